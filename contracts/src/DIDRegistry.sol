// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDIDRegistry} from "./IDIDRegistry.sol";

/// @title ERC-1056 registry of decentralized identifiers, with batches, EIP-712 relaying and real deactivation
/// @notice Every address is an identity that owns itself until it names another owner. Owners publish delegates and
/// attributes, which `did:ethr` resolvers read from the events.
/// @dev The ERC-1056 selectors and events are verbatim, so resolvers written for the original registry work unchanged.
/// Two of its holes are closed. (1) Setting the owner to zero left the identity's own key in control on chain, because
/// `identityOwner` fell back to it: here deactivation is final and `identityOwner` answers zero. (2) The original's
/// `*Signed` functions hash no chain id, so one signature is good on every chain that has the registry at the same
/// address: they are not here, `updateSigned` (EIP-712) is. No owner, no proxy, no upgrade, no ether.
contract DIDRegistry is IDIDRegistry {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant OP_TYPEHASH = keccak256("Op(uint8 kind,bytes32 name,bytes value,uint64 validity)");
    bytes32 private constant UPDATE_TYPEHASH = keccak256(
        "Update(address identity,Op[] ops,uint256 nonce,uint256 deadline)Op(uint8 kind,bytes32 name,bytes value,uint64 validity)"
    );
    /// @dev Half the order of secp256k1: of the two valid signatures only the one with low s is taken (EIP-2).
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    uint8 private constant SET_ATTRIBUTE = 0;
    uint8 private constant REVOKE_ATTRIBUTE = 1;
    uint8 private constant ADD_DELEGATE = 2;
    uint8 private constant REVOKE_DELEGATE = 3;
    uint8 private constant CHANGE_OWNER = 4;

    mapping(address identity => address) public owners;
    mapping(address identity => mapping(bytes32 typeHash => mapping(address delegate => uint256))) public delegates;
    mapping(address identity => uint256) public changed;
    /// @notice The next nonce of an owner for `updateSigned`.
    mapping(address signer => uint256) public nonce;
    mapping(address identity => bool) public deactivated;

    modifier onlyOwner(address identity) {
        _requireOwner(identity, msg.sender);
        _;
    }

    /// @inheritdoc IDIDRegistry
    function changeOwner(address identity, address newOwner) external onlyOwner(identity) {
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IDIDRegistry
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity)
        external
        onlyOwner(identity)
    {
        _addDelegate(identity, delegateType, delegate, validity);
    }

    /// @inheritdoc IDIDRegistry
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external onlyOwner(identity) {
        _revokeDelegate(identity, delegateType, delegate);
    }

    /// @inheritdoc IDIDRegistry
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity)
        external
        onlyOwner(identity)
    {
        _setAttribute(identity, name, value, validity);
    }

    /// @inheritdoc IDIDRegistry
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external onlyOwner(identity) {
        _revokeAttribute(identity, name, value);
    }

    /// @inheritdoc IDIDRegistry
    function update(address identity, Op[] calldata ops) external onlyOwner(identity) {
        _apply(identity, ops);
    }

    /// @inheritdoc IDIDRegistry
    function updateSigned(address identity, Op[] calldata ops, uint256 deadline, bytes calldata sig) external {
        if (block.timestamp > deadline) revert Expired();
        address signer = identityOwner(identity);
        if (signer == address(0)) revert Deactivated();
        bytes32 structHash = keccak256(abi.encode(UPDATE_TYPEHASH, identity, _hashOps(ops), nonce[signer]++, deadline));
        if (_recover(keccak256(abi.encodePacked(hex"1901", domainSeparator(), structHash)), sig) != signer) {
            revert BadSignature();
        }
        _apply(identity, ops);
    }

    /// @inheritdoc IDIDRegistry
    function identityOwner(address identity) public view returns (address) {
        if (deactivated[identity]) return address(0);
        address owner = owners[identity];
        return owner == address(0) ? identity : owner;
    }

    /// @inheritdoc IDIDRegistry
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool) {
        if (deactivated[identity]) return false;
        return delegates[identity][keccak256(abi.encode(delegateType))][delegate] > block.timestamp;
    }

    /// @inheritdoc IDIDRegistry
    function domainSeparator() public view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN_TYPEHASH, keccak256("DIDRegistry"), keccak256("1"), block.chainid, address(this))
            );
    }

    function _requireOwner(address identity, address actor) private view {
        if (deactivated[identity]) revert Deactivated();
        if (identityOwner(identity) != actor) revert BadActor();
    }

    function _apply(address identity, Op[] calldata ops) private {
        for (uint256 i = 0; i < ops.length; ++i) {
            Op calldata op = ops[i];
            if (op.kind == SET_ATTRIBUTE) {
                _setAttribute(identity, op.name, op.value, op.validity);
            } else if (op.kind == REVOKE_ATTRIBUTE) {
                _revokeAttribute(identity, op.name, op.value);
            } else if (op.kind == ADD_DELEGATE) {
                _addDelegate(identity, op.name, _addressIn(op.value, i), op.validity);
            } else if (op.kind == REVOKE_DELEGATE) {
                _revokeDelegate(identity, op.name, _addressIn(op.value, i));
            } else if (op.kind == CHANGE_OWNER && i + 1 == ops.length) {
                _changeOwner(identity, _addressIn(op.value, i));
            } else {
                // An unknown kind, or a change of owner that is not last: what follows would no longer be the owner's.
                revert BadOp(i);
            }
        }
    }

    function _addressIn(bytes calldata value, uint256 index) private pure returns (address) {
        if (value.length != 20) revert BadOp(index);
        // forge-lint: disable-next-line(unsafe-typecast) -- the length was checked
        return address(bytes20(value));
    }

    function _changeOwner(address identity, address newOwner) private {
        owners[identity] = newOwner;
        if (newOwner == address(0)) deactivated[identity] = true;
        emit DIDOwnerChanged(identity, newOwner, _touch(identity));
    }

    function _addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) private {
        uint256 validTo = _validTo(validity);
        delegates[identity][keccak256(abi.encode(delegateType))][delegate] = validTo;
        emit DIDDelegateChanged(identity, delegateType, delegate, validTo, _touch(identity));
    }

    function _revokeDelegate(address identity, bytes32 delegateType, address delegate) private {
        delegates[identity][keccak256(abi.encode(delegateType))][delegate] = block.timestamp;
        emit DIDDelegateChanged(identity, delegateType, delegate, block.timestamp, _touch(identity));
    }

    function _setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) private {
        emit DIDAttributeChanged(identity, name, value, _validTo(validity), _touch(identity));
    }

    function _revokeAttribute(address identity, bytes32 name, bytes calldata value) private {
        emit DIDAttributeChanged(identity, name, value, 0, _touch(identity));
    }

    /// @dev Resolvers walk from `changed` through `previousChange`, so every event carries the block of the one before.
    function _touch(address identity) private returns (uint256 previousChange) {
        previousChange = changed[identity];
        changed[identity] = block.number;
    }

    function _validTo(uint256 validity) private view returns (uint256) {
        if (validity > type(uint64).max) revert BadValidity();
        return block.timestamp + validity;
    }

    function _hashOps(Op[] calldata ops) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](ops.length);
        for (uint256 i = 0; i < ops.length; ++i) {
            Op calldata op = ops[i];
            hashes[i] = keccak256(abi.encode(OP_TYPEHASH, op.kind, op.name, keccak256(op.value), op.validity));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _recover(bytes32 digest, bytes calldata sig) private pure returns (address) {
        if (sig.length != 65) revert BadSignature();
        bytes32 r = bytes32(sig[0:32]);
        bytes32 s = bytes32(sig[32:64]);
        if (uint256(s) > HALF_ORDER) revert BadSignature();
        address signer = ecrecover(digest, uint8(sig[64]), r, s);
        if (signer == address(0)) revert BadSignature();
        return signer;
    }
}
