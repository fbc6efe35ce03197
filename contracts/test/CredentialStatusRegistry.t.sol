// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CredentialStatusRegistry} from "../src/CredentialStatusRegistry.sol";
import {DIDRegistry} from "../src/DIDRegistry.sol";
import {ICredentialStatusRegistry} from "../src/ICredentialStatusRegistry.sol";
import {Base} from "./Base.sol";

contract CredentialStatusRegistryTest is Base {
    bytes32 private constant SALT = "list";
    bytes32 private constant UPDATER = "statusUpdater";
    /// @dev Computed here, because sha256 is a call and would use up a prank.
    bytes32 private immutable digest = sha256("x");
    uint48 private constant ANY = type(uint48).max;

    DIDRegistry private dids;
    CredentialStatusRegistry private registry;
    address private issuer;
    address private other;
    bytes32 private list;

    function setUp() public {
        vm.warp(1_700_000_000);
        dids = new DIDRegistry();
        registry = new CredentialStatusRegistry(dids);
        issuer = vm.addr(OWNER_KEY);
        other = vm.addr(OTHER_KEY);
        vm.prank(issuer);
        list = registry.createList(issuer, SALT, 2, 1024, true, "https://issuer.example/status/1");
    }

    function test_listBeginsAtVersionOneAllValid() public view {
        ICredentialStatusRegistry.List memory l = registry.getList(list);
        eq(list, keccak256(abi.encode(issuer, SALT)));
        eq(l.identity, issuer);
        eq(l.version, 1);
        eq(l.capacity, 1024);
        eq(l.bits, 2);
        eq(l.flags, 8);
        eq(l.updatedAt, block.timestamp);
        (uint256[] memory words,) = registry.getWords(list, 0, 8);
        for (uint256 i = 0; i < 8; ++i) {
            eq(words[i], 0);
        }
    }

    function test_nobodyElseCanTakeTheName() public {
        vm.prank(other);
        vm.expectRevert(notAuthorized(other));
        registry.createList(issuer, "next", 1, 256, true, "");
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.ListExists.selector));
        registry.createList(issuer, SALT, 1, 256, true, "");
    }

    function test_impossibleShapesAreRefused() public {
        uint8[4] memory bits = [0, 3, 16, 255];
        for (uint256 i = 0; i < bits.length; ++i) {
            vm.prank(issuer);
            vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.BadBits.selector));
            registry.createList(issuer, "next", bits[i], 256, true, "");
        }
        uint32[4] memory capacities = [0, 7, 1_048_584, type(uint32).max];
        for (uint256 i = 0; i < capacities.length; ++i) {
            vm.prank(issuer);
            vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.BadCapacity.selector));
            registry.createList(issuer, "next", 1, capacities[i], true, "");
        }
    }

    function test_wordsAreLeastSignificantFirst() public {
        set(0, 1);
        set(3, 2);
        set(129, 3);
        (uint256[] memory words,) = registry.getWords(list, 0, 2);
        eq(words[0], 0x81);
        eq(words[1], 12);
        (uint8 status, uint48 version,,) = registry.statusOf(list, 129);
        eq(status, 3);
        eq(version, 4);
    }

    function test_invalidIsFinalAndSuspendedIsNot() public {
        set(5, 2);
        set(5, 0);
        set(5, 2);
        set(5, 1);
        set(5, 1);
        uint8[3] memory others = [0, 2, 3];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(issuer);
            vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.Irreversible.selector, uint32(5)));
            registry.setStatus(list, 5, others[i]);
            vm.prank(issuer);
            vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.Irreversible.selector, uint32(5)));
            registry.setStatuses(list, ANY, pack(5, others[i]));
        }
    }

    function test_reversibleListReinstates() public {
        vm.prank(issuer);
        bytes32 soft = registry.createList(issuer, "soft", 1, 256, false, "");
        vm.prank(issuer);
        registry.setStatus(soft, 9, 1);
        vm.prank(issuer);
        registry.setStatus(soft, 9, 0);
        (uint8 status,,,) = registry.statusOf(soft, 9);
        eq(status, 0);
    }

    function test_staleVersionIsRefused() public {
        vm.prank(issuer);
        registry.setStatuses(list, 1, pack(1, 1));
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.StaleVersion.selector, uint48(2)));
        registry.setStatuses(list, 1, pack(2, 1));
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.StaleVersion.selector, uint48(2)));
        registry.anchor(list, 3, digest, 0, "x");
    }

    function test_badChangesAreRefused() public {
        bytes memory packing = abi.encodeWithSelector(ICredentialStatusRegistry.BadPacking.selector);
        expectRefused("", packing);
        expectRefused(hex"00000001", packing);
        expectRefused(abi.encodePacked(pack(2, 1), pack(1, 1)), packing);
        expectRefused(abi.encodePacked(pack(2, 1), pack(2, 1)), packing);
        expectRefused(pack(1, 4), abi.encodeWithSelector(ICredentialStatusRegistry.BadStatus.selector, uint8(4)));
        bytes memory range = abi.encodeWithSelector(ICredentialStatusRegistry.OutOfRange.selector);
        expectRefused(pack(1024, 1), range);
        expectRefused(pack(type(uint32).max, 1), range);
        vm.expectRevert(range);
        registry.statusOf(list, 1024);
        vm.expectRevert(range);
        registry.getWords(list, 0, 9);
        vm.expectRevert(range);
        registry.getWords(list, type(uint256).max, 2);
        eq(registry.getList(list).version, 1);
    }

    function test_unknownListIsNotValid() public {
        bytes memory unknown = abi.encodeWithSelector(ICredentialStatusRegistry.UnknownList.selector);
        vm.expectRevert(unknown);
        registry.statusOf("nowhere", 0);
        vm.expectRevert(unknown);
        registry.getWords("nowhere", 0, 0);
        vm.expectRevert(unknown);
        registry.getList("nowhere");
        vm.expectRevert(unknown);
        registry.setStatus("nowhere", 0, 1);
    }

    function testFuzz_strangersChangeNothing(address caller) public {
        vm.assume(caller != issuer);
        bytes memory refused = notAuthorized(caller);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.setStatus(list, 0, 1);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.setStatuses(list, ANY, pack(0, 1));
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.anchor(list, ANY, digest, 0, "x");
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.pause(list, true);
        vm.prank(caller);
        vm.expectRevert(refused);
        registry.freeze(list, true);
        eq(registry.getList(list).version, 1);
    }

    function test_delegateWritesUntilItsValidity() public {
        vm.prank(issuer);
        dids.addDelegate(issuer, UPDATER, other, 10);
        vm.prank(other);
        registry.setStatus(list, 1, 1);
        vm.warp(block.timestamp + 10);
        vm.prank(other);
        vm.expectRevert(notAuthorized(other));
        registry.setStatus(list, 2, 1);
    }

    function test_delegateOfAnotherTypeIsAStranger() public {
        vm.prank(issuer);
        dids.addDelegate(issuer, "veriKey", other, 10);
        vm.prank(other);
        vm.expectRevert(notAuthorized(other));
        registry.setStatus(list, 1, 1);
    }

    function test_authorityFollowsTheDid() public {
        vm.prank(issuer);
        dids.changeOwner(issuer, other);
        vm.prank(issuer);
        vm.expectRevert(notAuthorized(issuer));
        registry.setStatus(list, 1, 1);
        vm.prank(other);
        registry.setStatus(list, 1, 1);
    }

    function test_deactivatedDidWritesNothing() public {
        vm.prank(issuer);
        dids.addDelegate(issuer, UPDATER, other, 1000);
        vm.prank(issuer);
        dids.changeOwner(issuer, address(0));
        address[3] memory callers = [issuer, other, address(0)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(notAuthorized(callers[i]));
            registry.setStatus(list, 1, 1);
        }
    }

    function test_anchorNamesTheDocument() public {
        bytes memory document = "a status list";
        bytes32 named = sha256(document);
        vm.prank(issuer);
        registry.anchor(list, 1, named, 1_800_000_000, document);
        ICredentialStatusRegistry.List memory l = registry.getList(list);
        eq(l.digest, named);
        eq(l.version, 2);
        eq(l.anchoredVersion, 2);
        eq(l.validUntil, 1_800_000_000);
        set(1, 1);
        eq(registry.getList(list).anchoredVersion, 2);
        bytes memory bad = abi.encodeWithSelector(ICredentialStatusRegistry.BadDigest.selector);
        vm.prank(issuer);
        vm.expectRevert(bad);
        registry.anchor(list, ANY, digest, 0, document);
        vm.prank(issuer);
        vm.expectRevert(bad);
        registry.anchor(list, ANY, 0, 0, "");
    }

    function test_guardianPausesAndOnlyTheOwnerGoesOn() public {
        vm.prank(issuer);
        dids.addDelegate(issuer, UPDATER, other, 1000);
        vm.prank(other);
        registry.pause(list, true);
        (,,, uint8 flags) = registry.statusOf(list, 0);
        eq(flags, 9);
        vm.prank(other);
        vm.expectRevert(notAuthorized(other));
        registry.pause(list, false);
        vm.prank(other);
        vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.Locked.selector, uint8(9)));
        registry.setStatus(list, 1, 1);
        set(1, 1);
        vm.prank(issuer);
        registry.pause(list, false);
        vm.prank(other);
        registry.setStatus(list, 2, 1);
    }

    function test_freezingEndsAllWriting() public {
        vm.prank(issuer);
        dids.addDelegate(issuer, UPDATER, other, 1000);
        vm.prank(other);
        vm.expectRevert(notAuthorized(other));
        registry.freeze(list, false);
        vm.prank(issuer);
        registry.freeze(list, false);
        bytes memory locked = abi.encodeWithSelector(ICredentialStatusRegistry.Locked.selector, uint8(10));
        vm.prank(issuer);
        vm.expectRevert(locked);
        registry.setStatus(list, 1, 1);
        vm.prank(issuer);
        vm.expectRevert(locked);
        registry.anchor(list, ANY, digest, 0, "");
        vm.prank(issuer);
        vm.expectRevert(locked);
        registry.pause(list, true);
        vm.prank(issuer);
        vm.expectRevert(locked);
        registry.freeze(list, false);
    }

    function test_pausedListIsNotFrozenUnknown() public {
        vm.prank(issuer);
        registry.pause(list, true);
        vm.prank(issuer);
        vm.expectRevert(abi.encodeWithSelector(ICredentialStatusRegistry.Locked.selector, uint8(9)));
        registry.freeze(list, false);
    }

    function test_killSwitchRevokesEveryEntryEvenAfterFreezing() public {
        vm.prank(issuer);
        registry.freeze(list, false);
        vm.prank(issuer);
        registry.freeze(list, true);
        (uint8 status,,, uint8 flags) = registry.statusOf(list, 77);
        eq(status, 1);
        eq(flags, 14);
        (uint256[] memory words,) = registry.getWords(list, 0, 8);
        for (uint256 i = 0; i < 8; ++i) {
            eq(words[i], 0x5555555555555555555555555555555555555555555555555555555555555555);
        }
    }

    function testFuzz_batchEqualsSingles(uint256 seed, uint8 shape) public {
        uint8 bits = uint8(1 << (shape % 4));
        vm.prank(issuer);
        bytes32 batched = registry.createList(issuer, "batched", bits, 1024, false, "");
        vm.prank(issuer);
        bytes32 single = registry.createList(issuer, "single", bits, 1024, false, "");
        bytes memory packed;
        uint32 index = 0;
        for (uint256 i = 0; i < 16; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            index += uint32(draw % 60) + 1;
            uint8 status = uint8((draw >> 32) % (1 << bits));
            packed = abi.encodePacked(packed, pack(index, status));
            vm.prank(issuer);
            registry.setStatus(single, index, status);
        }
        vm.prank(issuer);
        registry.setStatuses(batched, 1, packed);
        uint256 n = uint256(1024) * bits / 256;
        (uint256[] memory a,) = registry.getWords(batched, 0, n);
        (uint256[] memory b,) = registry.getWords(single, 0, n);
        for (uint256 i = 0; i < n; ++i) {
            eq(a[i], b[i]);
        }
    }

    function set(uint32 index, uint8 status) private {
        vm.prank(issuer);
        registry.setStatus(list, index, status);
    }

    function pack(uint32 index, uint8 status) private pure returns (bytes memory) {
        return abi.encodePacked(index, status);
    }

    function expectRefused(bytes memory packed, bytes memory refusal) private {
        vm.prank(issuer);
        vm.expectRevert(refusal);
        registry.setStatuses(list, ANY, packed);
    }

    function notAuthorized(address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ICredentialStatusRegistry.NotAuthorized.selector, caller);
    }
}
