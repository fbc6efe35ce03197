// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The surface of the DID registry: ERC-1056 unchanged, then additions
interface IDIDRegistry {
    /// @param kind 0 setAttribute, 1 revokeAttribute, 2 addDelegate, 3 revokeDelegate, 4 changeOwner (only as the last)
    /// @param name The attribute name or delegate type; ignored by changeOwner.
    /// @param value The attribute value; for delegates and owners the 20 bytes of an address.
    /// @param validity Seconds from now; read by kinds 0 and 2 only.
    struct Op {
        uint8 kind;
        bytes32 name;
        bytes value;
        uint64 validity;
    }

    event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange);
    event DIDDelegateChanged(
        address indexed identity, bytes32 delegateType, address delegate, uint256 validTo, uint256 previousChange
    );
    event DIDAttributeChanged(
        address indexed identity, bytes32 name, bytes value, uint256 validTo, uint256 previousChange
    );

    /// @notice The caller is not the identity's owner.
    error BadActor();
    /// @notice The identity was deactivated, which is final.
    error Deactivated();
    /// @notice The signature is malformed, malleable, or not the owner's over exactly this update.
    error BadSignature();
    /// @notice The deadline of a signed update has passed.
    error Expired();
    /// @notice Operation `index` has an unknown kind, a value that is no address, or changes the owner before the end.
    error BadOp(uint256 index);
    /// @notice A validity longer than 2^64 - 1 seconds.
    error BadValidity();

    /// @notice The owner on record, or zero where the identity still owns itself or is deactivated.
    function owners(address identity) external view returns (address);

    /// @param delegateTypeHash keccak256 of the delegate type.
    /// @return validTo Unix time, in seconds, from which the delegate is no longer valid.
    function delegates(address identity, bytes32 delegateTypeHash, address delegate)
        external
        view
        returns (uint256 validTo);

    /// @return blockNumber The block of the identity's latest event; zero where there is none.
    function changed(address identity) external view returns (uint256 blockNumber);

    /// @notice The nonce that the next signed update by `signer` must carry.
    function nonce(address signer) external view returns (uint256);

    /// @notice Who controls the identity now: itself, the owner it named, or nobody (zero) once deactivated.
    function identityOwner(address identity) external view returns (address);

    /// @notice Whether `delegate` holds `delegateType` for the identity at this block's time.
    /// @dev As in ERC-1056, delegates outlive a change of owner: after a compromise revoke them too.
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool);

    /// @notice Hands the identity to `newOwner`; zero deactivates it for ever.
    function changeOwner(address identity, address newOwner) external;

    /// @param validity Seconds from now.
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external;

    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external;

    /// @param validity Seconds from now.
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external;

    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external;

    /// @notice Whether the identity was deactivated: `identityOwner` is zero and every write reverts.
    function deactivated(address identity) external view returns (bool);

    /// @notice Applies the operations in order, in one transaction and so in one block.
    function update(address identity, Op[] calldata ops) external;

    /// @notice Applies operations that the owner signed and anyone may relay, once.
    /// @param deadline Unix time, in seconds, after which the signature is void.
    /// @param sig 65 bytes r, s, v over EIP-712 `Update(address identity,Op[] ops,uint256 nonce,uint256 deadline)` with
    /// the domain ("DIDRegistry", "1", chain id, this contract) and `nonce(owner)`.
    function updateSigned(address identity, Op[] calldata ops, uint256 deadline, bytes calldata sig) external;

    /// @notice The EIP-712 domain separator on this chain.
    function domainSeparator() external view returns (bytes32);
}
