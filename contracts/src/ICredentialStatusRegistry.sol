// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The surface of the credential status registry
/// @notice Status codes are those of the Token Status List registry: 0 VALID, 1 INVALID, 2 SUSPENDED, 3 application
/// specific. No personal data belongs here, not even hashed: a list is words of status codes and nothing else.
interface ICredentialStatusRegistry {
    /// @param identity The DID identity whose owner, or "statusUpdater" delegate, writes the list.
    /// @param version 1 at creation, one more at each change of a status, an anchor or a flag.
    /// @param capacity How many statuses the list holds.
    /// @param bits Bits per status: 1, 2, 4 or 8.
    /// @param flags PAUSED 1, FROZEN 2, REVOKED 4, IRREVERSIBLE 8.
    /// @param digest SHA-256 of the status list document last anchored; zero where there is none.
    /// @param updatedAt Unix time of the last change, in seconds.
    /// @param validUntil Unix time until which the anchored document is meant to be used, in seconds; zero for no end.
    /// @param anchoredVersion The version that anchoring `digest` produced.
    struct List {
        address identity;
        uint48 version;
        uint32 capacity;
        uint8 bits;
        uint8 flags;
        bytes32 digest;
        uint64 updatedAt;
        uint64 validUntil;
        uint48 anchoredVersion;
    }

    event ListCreated(
        bytes32 indexed list, address indexed identity, uint8 bits, uint32 capacity, uint8 flags, string uri
    );
    event StatusChanged(bytes32 indexed list, uint48 indexed version, uint32 index, uint8 status, address by);
    event StatusesChanged(bytes32 indexed list, uint48 indexed version, bytes packed, address by);
    event Anchored(bytes32 indexed list, uint48 indexed version, bytes32 digest, uint64 validUntil, bytes data);
    event FlagsChanged(bytes32 indexed list, uint48 indexed version, uint8 flags, address by);

    /// @notice The caller is neither the identity's owner nor its delegate, or the act is the owner's alone.
    error NotAuthorized(address caller);
    error UnknownList();
    error ListExists();
    /// @notice The list is not at the version that the caller expected.
    error StaleVersion(uint48 current);
    /// @notice The list's flags forbid the act.
    error Locked(uint8 flags);
    error OutOfRange();
    /// @notice The status does not fit the list's bits.
    error BadStatus(uint8 status);
    /// @notice The entry is INVALID on an irreversible list and stays so.
    error Irreversible(uint32 index);
    /// @notice The packed changes are empty, not a multiple of five bytes, or not in strictly ascending order.
    error BadPacking();
    error BadBits();
    error BadCapacity();
    /// @notice The data is not what the digest names, or the digest is zero.
    error BadDigest();

    /// @notice Creates a list at version 1 with every status VALID.
    /// @param bits 1, 2, 4 or 8.
    /// @param capacity `capacity * bits` must be a multiple of 8 and at most 1,048,576.
    /// @param irreversible Whether INVALID is final for each entry. A two-bit list may still suspend and reinstate.
    /// @return list keccak256(abi.encode(identity, salt)): only the identity can take the name, so nobody can be first.
    function createList(
        address identity,
        bytes32 salt,
        uint8 bits,
        uint32 capacity,
        bool irreversible,
        string calldata uri
    ) external returns (bytes32 list);

    /// @notice Sets one status. Setting what is set already changes nothing but the version.
    function setStatus(bytes32 list, uint32 index, uint8 status) external;

    /// @notice Sets many statuses at once.
    /// @param expectedVersion The version the caller built on, or ANY_VERSION.
    /// @param packed Five bytes a change, big-endian index (4) and status (1), strictly ascending by index.
    function setStatuses(bytes32 list, uint48 expectedVersion, bytes calldata packed) external;

    /// @notice Records the digest of a published status list document, so that an older one is recognised as such.
    /// @param data The document itself, or empty; not stored but logged, so that it outlives the issuer's server.
    function anchor(bytes32 list, uint48 expectedVersion, bytes32 sha256Digest, uint64 validUntil, bytes calldata data)
        external;

    /// @notice Pauses (owner or delegate) or unpauses (owner alone). A paused list answers "unknown" to verifiers, and
    /// only the owner may write to it.
    function pause(bytes32 list, bool on) external;

    /// @notice Ends all writing, for ever. The owner's alone.
    /// @param revokeAll Also revoke every entry: the kill switch for a compromised issuer, possible after freezing too.
    function freeze(bytes32 list, bool revokeAll) external;

    /// @notice One status. With the REVOKED flag every status is INVALID; with PAUSED the answer means "unknown".
    function statusOf(bytes32 list, uint32 index)
        external
        view
        returns (uint8 status, uint48 version, uint64 updatedAt, uint8 flags);

    /// @notice `n` words from word `first`. Status i has bits [(i * bits) % 256, ...) of word (i * bits) / 256, so the
    /// words' little-endian bytes are the status array of a Token Status List. All INVALID with the REVOKED flag.
    function getWords(bytes32 list, uint256 first, uint256 n)
        external
        view
        returns (uint256[] memory words, uint48 version);

    function getList(bytes32 list) external view returns (List memory);
}
