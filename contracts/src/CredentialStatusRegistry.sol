// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICredentialStatusRegistry} from "./ICredentialStatusRegistry.sol";
import {IDIDRegistry} from "./IDIDRegistry.sol";

/// @title Status lists of credentials, written by whoever controls the issuer's DID
/// @notice Verifiers read whole lists from the chain alone, without telling the issuer which credential they look at.
/// @dev Authority is resolved at each write through the DID registry, so rotating the DID's key rotates the authority
/// over all its lists, and deactivating the DID ends it. Limits: a list is at most 1,048,576 bits, so that reading one
/// is bounded. No owner, no proxy, no upgrade, no ether.
contract CredentialStatusRegistry is ICredentialStatusRegistry {
    uint8 public constant PAUSED = 1;
    uint8 public constant FROZEN = 2;
    uint8 public constant REVOKED = 4;
    uint8 public constant IRREVERSIBLE = 8;

    /// @notice Passed as `expectedVersion` where the caller does not mind which version it changes.
    uint48 public constant ANY_VERSION = type(uint48).max;
    /// @notice The ERC-1056 delegate type that may write an identity's lists.
    bytes32 public constant STATUS_UPDATER = "statusUpdater";

    uint256 private constant MAX_WORDS = 4096;
    uint8 private constant INVALID = 1;

    IDIDRegistry public immutable didRegistry;

    mapping(bytes32 list => List) private _lists;
    /// @dev Contiguous slots from keccak256(abi.encode(list, 1)), so that a node can copy a list without the EVM.
    mapping(bytes32 list => uint256[MAX_WORDS]) private _words;

    constructor(IDIDRegistry didRegistry_) {
        didRegistry = didRegistry_;
    }

    /// @inheritdoc ICredentialStatusRegistry
    function createList(
        address identity,
        bytes32 salt,
        uint8 bits,
        uint32 capacity,
        bool irreversible,
        string calldata uri
    ) external returns (bytes32 list) {
        _authorize(identity);
        if (bits != 1 && bits != 2 && bits != 4 && bits != 8) revert BadBits();
        uint256 size = uint256(capacity) * bits;
        if (size == 0 || size % 8 != 0 || size > MAX_WORDS * 256) revert BadCapacity();
        list = keccak256(abi.encode(identity, salt));
        List storage l = _lists[list];
        if (l.version != 0) revert ListExists();
        l.identity = identity;
        l.version = 1;
        l.capacity = capacity;
        l.bits = bits;
        l.flags = irreversible ? IRREVERSIBLE : 0;
        l.updatedAt = uint64(block.timestamp);
        emit ListCreated(list, identity, bits, capacity, l.flags, uri);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function setStatus(bytes32 list, uint32 index, uint8 status) external {
        List storage l = _writable(list, ANY_VERSION);
        uint8 bits = l.bits;
        (uint256 word, uint256 shift) = _position(index, bits, l.capacity);
        uint256[MAX_WORDS] storage words = _words[list];
        words[word] = _withStatus(words[word], index, shift, status, bits, l.flags);
        emit StatusChanged(list, _bump(l), index, status, msg.sender);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function setStatuses(bytes32 list, uint48 expectedVersion, bytes calldata packed) external {
        List storage l = _writable(list, expectedVersion);
        _applyPacked(_words[list], packed, l.bits, l.capacity, l.flags);
        emit StatusesChanged(list, _bump(l), packed, msg.sender);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function anchor(bytes32 list, uint48 expectedVersion, bytes32 sha256Digest, uint64 validUntil, bytes calldata data)
        external
    {
        List storage l = _writable(list, expectedVersion);
        if (sha256Digest == 0) revert BadDigest();
        if (data.length != 0 && sha256(data) != sha256Digest) revert BadDigest();
        uint48 version = _bump(l);
        l.digest = sha256Digest;
        l.validUntil = validUntil;
        l.anchoredVersion = version;
        emit Anchored(list, version, sha256Digest, validUntil, data);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function pause(bytes32 list, bool on) external {
        List storage l = _existing(list);
        bool isOwner = _authorize(l.identity);
        if (!on && !isOwner) revert NotAuthorized(msg.sender);
        uint8 flags = l.flags;
        if (flags & FROZEN != 0) revert Locked(flags);
        _setFlags(list, l, on ? flags | PAUSED : flags & ~PAUSED);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function freeze(bytes32 list, bool revokeAll) external {
        List storage l = _existing(list);
        if (!_authorize(l.identity)) revert NotAuthorized(msg.sender);
        uint8 flags = l.flags;
        if (revokeAll) {
            // Tightening is always possible; "unknown" gives way to the decided answer.
            _setFlags(list, l, (flags | FROZEN | REVOKED) & ~PAUSED);
        } else {
            // A paused list would stay "unknown" for ever, since freezing ends unpausing too.
            if (flags & (FROZEN | PAUSED) != 0) revert Locked(flags);
            _setFlags(list, l, flags | FROZEN);
        }
    }

    /// @inheritdoc ICredentialStatusRegistry
    function statusOf(bytes32 list, uint32 index)
        external
        view
        returns (uint8 status, uint48 version, uint64 updatedAt, uint8 flags)
    {
        List storage l = _existing(list);
        uint8 bits = l.bits;
        (uint256 word, uint256 shift) = _position(index, bits, l.capacity);
        flags = l.flags;
        status = flags & REVOKED != 0 ? INVALID : uint8((_words[list][word] >> shift) & _mask(bits));
        return (status, l.version, l.updatedAt, flags);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function getWords(bytes32 list, uint256 first, uint256 n)
        external
        view
        returns (uint256[] memory words, uint48 version)
    {
        List storage l = _existing(list);
        uint8 bits = l.bits;
        uint256 total = (uint256(l.capacity) * bits + 255) / 256;
        if (first > total || n > total - first) revert OutOfRange();
        words = new uint256[](n);
        bool revoked = l.flags & REVOKED != 0;
        uint256 allInvalid = type(uint256).max / _mask(bits);
        uint256[MAX_WORDS] storage stored = _words[list];
        for (uint256 i = 0; i < n; ++i) {
            words[i] = revoked ? allInvalid : stored[first + i];
        }
        return (words, l.version);
    }

    /// @inheritdoc ICredentialStatusRegistry
    function getList(bytes32 list) external view returns (List memory) {
        return _existing(list);
    }

    /// @return isOwner True for the identity's owner, false for its delegate; reverts for anyone else.
    function _authorize(address identity) private view returns (bool isOwner) {
        address owner = didRegistry.identityOwner(identity);
        // A deactivated identity has the zero owner, which a simulated call can have as its sender too.
        if (owner == address(0)) revert NotAuthorized(msg.sender);
        if (owner == msg.sender) return true;
        if (didRegistry.validDelegate(identity, STATUS_UPDATER, msg.sender)) return false;
        revert NotAuthorized(msg.sender);
    }

    function _existing(bytes32 list) private view returns (List storage l) {
        l = _lists[list];
        if (l.version == 0) revert UnknownList();
    }

    function _writable(bytes32 list, uint48 expectedVersion) private view returns (List storage l) {
        l = _existing(list);
        bool isOwner = _authorize(l.identity);
        uint8 flags = l.flags;
        if (flags & FROZEN != 0 || (flags & PAUSED != 0 && !isOwner)) revert Locked(flags);
        if (expectedVersion != ANY_VERSION && expectedVersion != l.version) revert StaleVersion(l.version);
    }

    function _bump(List storage l) private returns (uint48 version) {
        version = l.version + 1;
        l.version = version;
        l.updatedAt = uint64(block.timestamp);
    }

    function _setFlags(bytes32 list, List storage l, uint8 flags) private {
        l.flags = flags;
        emit FlagsChanged(list, _bump(l), flags, msg.sender);
    }

    /// @dev Consecutive changes to the same word cost one load and one store.
    function _applyPacked(
        uint256[MAX_WORDS] storage words,
        bytes calldata packed,
        uint8 bits,
        uint32 capacity,
        uint8 flags
    ) private {
        if (packed.length == 0 || packed.length % 5 != 0) revert BadPacking();
        uint256 loaded = type(uint256).max;
        uint256 value;
        uint256 next;
        for (uint256 offset = 0; offset < packed.length; offset += 5) {
            uint40 entry = uint40(bytes5(packed[offset:offset + 5]));
            // forge-lint: disable-next-line(unsafe-typecast) -- the entry is exactly index (32 bits) and status (8 bits)
            uint32 index = uint32(entry >> 8);
            if (index < next) revert BadPacking();
            next = uint256(index) + 1;
            (uint256 word, uint256 shift) = _position(index, bits, capacity);
            if (word != loaded) {
                if (loaded != type(uint256).max) words[loaded] = value;
                loaded = word;
                value = words[word];
            }
            // forge-lint: disable-next-line(unsafe-typecast)
            value = _withStatus(value, index, shift, uint8(entry), bits, flags);
        }
        words[loaded] = value;
    }

    function _position(uint32 index, uint8 bits, uint32 capacity) private pure returns (uint256 word, uint256 shift) {
        if (index >= capacity) revert OutOfRange();
        uint256 bit = uint256(index) * bits;
        return (bit / 256, bit % 256);
    }

    function _withStatus(uint256 word, uint32 index, uint256 shift, uint8 status, uint8 bits, uint8 flags)
        private
        pure
        returns (uint256)
    {
        uint256 mask = _mask(bits);
        if (status > mask) revert BadStatus(status);
        uint256 current = (word >> shift) & mask;
        if (flags & IRREVERSIBLE != 0 && current == INVALID && status != INVALID) revert Irreversible(index);
        return (word & ~(mask << shift)) | (uint256(status) << shift);
    }

    function _mask(uint8 bits) private pure returns (uint256) {
        return (uint256(1) << bits) - 1;
    }
}
