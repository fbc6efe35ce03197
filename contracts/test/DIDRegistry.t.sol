// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DIDRegistry} from "../src/DIDRegistry.sol";
import {IDIDRegistry} from "../src/IDIDRegistry.sol";
import {Base} from "./Base.sol";

contract DIDRegistryTest is Base {
    bytes32 private constant NAME = "did/pub/Multikey/veriKey";
    bytes32 private constant TYPE = "statusUpdater";
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    DIDRegistry private registry;
    address private owner;
    address private other;

    function setUp() public {
        vm.warp(1_700_000_000);
        vm.roll(100);
        registry = new DIDRegistry();
        owner = vm.addr(OWNER_KEY);
        other = vm.addr(OTHER_KEY);
    }

    function test_selectorsAreThoseOfErc1056() public pure {
        eq(bytes32(IDIDRegistry.identityOwner.selector), bytes32(bytes4(0x8733d4e8)));
        eq(bytes32(IDIDRegistry.changed.selector), bytes32(bytes4(0xf96d0f9f)));
        eq(bytes32(IDIDRegistry.changeOwner.selector), bytes32(bytes4(0xf00d4b5d)));
        eq(bytes32(IDIDRegistry.setAttribute.selector), bytes32(bytes4(0x7ad4b0a4)));
        eq(bytes32(IDIDRegistry.revokeAttribute.selector), bytes32(bytes4(0x00c023da)));
        eq(bytes32(IDIDRegistry.addDelegate.selector), bytes32(bytes4(0xa7068d66)));
        eq(bytes32(IDIDRegistry.revokeDelegate.selector), bytes32(bytes4(0x80b29f7c)));
        eq(bytes32(IDIDRegistry.validDelegate.selector), bytes32(bytes4(0x622b2a3c)));
        eq(
            IDIDRegistry.DIDOwnerChanged.selector,
            bytes32(0x38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3)
        );
        eq(
            IDIDRegistry.DIDDelegateChanged.selector,
            bytes32(0x5a5084339536bcab65f20799fcc58724588145ca054bd2be626174b27ba156f7)
        );
        eq(
            IDIDRegistry.DIDAttributeChanged.selector,
            bytes32(0x18ab6b2ae3d64306c00ce663125f2bd680e441a098de1635bd7ad8b0d44965e4)
        );
    }

    function test_identityOwnsItself() public view {
        eq(registry.identityOwner(owner), owner);
        eq(registry.owners(owner), address(0));
    }

    function test_rotationMovesControl() public {
        vm.prank(owner);
        registry.changeOwner(owner, other);
        eq(registry.identityOwner(owner), other);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.BadActor.selector));
        registry.setAttribute(owner, NAME, "x", 1);
        vm.prank(other);
        registry.setAttribute(owner, NAME, "x", 1);
    }

    function test_deactivationIsFinal() public {
        vm.prank(owner);
        registry.addDelegate(owner, TYPE, other, 1000);
        vm.prank(owner);
        registry.changeOwner(owner, address(0));
        eq(registry.identityOwner(owner), address(0));
        yes(registry.deactivated(owner), "deactivated");
        yes(!registry.validDelegate(owner, TYPE, other), "no delegate survives");
        bytes memory gone = abi.encodeWithSelector(IDIDRegistry.Deactivated.selector);
        vm.prank(owner);
        vm.expectRevert(gone);
        registry.setAttribute(owner, NAME, "x", 1);
        vm.prank(owner);
        vm.expectRevert(gone);
        registry.changeOwner(owner, owner);
        vm.prank(address(0));
        vm.expectRevert(gone);
        registry.changeOwner(owner, owner);
        IDIDRegistry.Op[] memory ops = oneAttribute();
        vm.prank(owner);
        vm.expectRevert(gone);
        registry.update(owner, ops);
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp);
        vm.expectRevert(gone);
        registry.updateSigned(owner, ops, block.timestamp, sig);
    }

    function test_delegateEndsAtItsValidity() public {
        vm.prank(owner);
        registry.addDelegate(owner, TYPE, other, 10);
        yes(registry.validDelegate(owner, TYPE, other), "valid");
        vm.warp(block.timestamp + 9);
        yes(registry.validDelegate(owner, TYPE, other), "still valid");
        vm.warp(block.timestamp + 1);
        yes(!registry.validDelegate(owner, TYPE, other), "over");
    }

    function test_revokedDelegateEndsAtOnce() public {
        vm.prank(owner);
        registry.addDelegate(owner, TYPE, other, 10);
        vm.prank(owner);
        registry.revokeDelegate(owner, TYPE, other);
        yes(!registry.validDelegate(owner, TYPE, other), "revoked");
    }

    function test_eventsLinkBack() public {
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDIDRegistry.DIDAttributeChanged(owner, NAME, "k", block.timestamp + 5, 0);
        vm.prank(owner);
        registry.setAttribute(owner, NAME, "k", 5);
        eq(registry.changed(owner), 100);
        vm.roll(107);
        vm.expectEmit(true, true, true, true, address(registry));
        emit IDIDRegistry.DIDAttributeChanged(owner, NAME, "k", 0, 100);
        vm.prank(owner);
        registry.revokeAttribute(owner, NAME, "k");
        eq(registry.changed(owner), 107);
    }

    function test_validityThatWouldOverflowIsRefused() public {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.BadValidity.selector));
        registry.setAttribute(owner, NAME, "k", uint256(type(uint64).max) + 1);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.BadValidity.selector));
        registry.addDelegate(owner, TYPE, other, type(uint256).max);
    }

    function test_batchAppliesEveryKindInOrder() public {
        IDIDRegistry.Op[] memory ops = new IDIDRegistry.Op[](5);
        ops[0] = IDIDRegistry.Op(0, NAME, "key", 50);
        ops[1] = IDIDRegistry.Op(1, NAME, "old", 0);
        ops[2] = IDIDRegistry.Op(2, TYPE, abi.encodePacked(other), 50);
        ops[3] = IDIDRegistry.Op(3, TYPE, abi.encodePacked(address(7)), 0);
        ops[4] = IDIDRegistry.Op(4, 0, abi.encodePacked(other), 0);
        vm.prank(owner);
        registry.update(owner, ops);
        eq(registry.identityOwner(owner), other);
        yes(registry.validDelegate(owner, TYPE, other), "delegate");
        yes(!registry.validDelegate(owner, TYPE, address(7)), "revoked");
    }

    function test_batchRefusesWhatItDoesNotKnow() public {
        IDIDRegistry.Op[] memory ops = new IDIDRegistry.Op[](2);
        ops[0] = IDIDRegistry.Op(4, 0, abi.encodePacked(other), 0);
        ops[1] = IDIDRegistry.Op(0, NAME, "key", 50);
        expectBadOp(ops, 0);
        ops[0] = IDIDRegistry.Op(5, 0, "", 0);
        expectBadOp(ops, 0);
        ops[0] = IDIDRegistry.Op(0, NAME, "key", 50);
        ops[1] = IDIDRegistry.Op(4, 0, abi.encode(other), 0);
        expectBadOp(ops, 1);
    }

    function testFuzz_onlyTheOwnerWrites(address caller, address identity) public {
        vm.assume(caller != identity);
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory bad = abi.encodeWithSelector(IDIDRegistry.BadActor.selector);
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.changeOwner(identity, caller);
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.addDelegate(identity, TYPE, caller, 5);
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.revokeDelegate(identity, TYPE, caller);
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.setAttribute(identity, NAME, "x", 5);
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.revokeAttribute(identity, NAME, "x");
        vm.prank(caller);
        vm.expectRevert(bad);
        registry.update(identity, ops);
        eq(registry.changed(identity), 0);
    }

    function test_signedUpdateIsRelayedOnce() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp);
        vm.prank(other);
        registry.updateSigned(owner, ops, block.timestamp, sig);
        eq(registry.changed(owner), block.number);
        eq(registry.nonce(owner), 1);
        expectBadSignature(ops, block.timestamp, sig);
    }

    function test_signatureIsBoundToTheChain() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp);
        vm.chainId(block.chainid + 1);
        expectBadSignature(ops, block.timestamp, sig);
    }

    function test_signatureIsBoundToTheRegistry() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp);
        registry = new DIDRegistry();
        expectBadSignature(ops, block.timestamp, sig);
    }

    function test_signatureExpires() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp - 1);
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.Expired.selector));
        registry.updateSigned(owner, ops, block.timestamp - 1, sig);
    }

    function test_signatureCoversTheOperations() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        bytes memory sig = signed(OWNER_KEY, ops, 0, block.timestamp);
        ops[0].validity += 1;
        expectBadSignature(ops, block.timestamp, sig);
        ops[0].validity -= 1;
        expectBadSignature(ops, block.timestamp + 1, sig);
    }

    function test_foreignAndMalleableSignaturesAreRefused() public {
        IDIDRegistry.Op[] memory ops = oneAttribute();
        expectBadSignature(ops, block.timestamp, signed(OTHER_KEY, ops, 0, block.timestamp));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(OWNER_KEY, digest(ops, 0, block.timestamp));
        bytes32 high = bytes32(ORDER - uint256(s));
        expectBadSignature(ops, block.timestamp, abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27)));
        expectBadSignature(ops, block.timestamp, abi.encodePacked(r, s));
        expectBadSignature(ops, block.timestamp, abi.encodePacked(r, s, uint8(0)));
        registry.updateSigned(owner, ops, block.timestamp, abi.encodePacked(r, s, v));
    }

    function oneAttribute() private pure returns (IDIDRegistry.Op[] memory ops) {
        ops = new IDIDRegistry.Op[](1);
        ops[0] = IDIDRegistry.Op(0, NAME, "key", 50);
    }

    function expectBadOp(IDIDRegistry.Op[] memory ops, uint256 index) private {
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.BadOp.selector, index));
        registry.update(owner, ops);
    }

    function expectBadSignature(IDIDRegistry.Op[] memory ops, uint256 deadline, bytes memory sig) private {
        vm.expectRevert(abi.encodeWithSelector(IDIDRegistry.BadSignature.selector));
        registry.updateSigned(owner, ops, deadline, sig);
    }

    function signed(uint256 key, IDIDRegistry.Op[] memory ops, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest(ops, nonce, deadline));
        return abi.encodePacked(r, s, v);
    }

    /// @dev Written out from EIP-712 rather than taken from the contract.
    function digest(IDIDRegistry.Op[] memory ops, uint256 nonce, uint256 deadline) private view returns (bytes32) {
        string memory opType = "Op(uint8 kind,bytes32 name,bytes value,uint64 validity)";
        string memory updateType = "Update(address identity,Op[] ops,uint256 nonce,uint256 deadline)";
        bytes memory hashes;
        for (uint256 i = 0; i < ops.length; ++i) {
            IDIDRegistry.Op memory op = ops[i];
            bytes32 hash =
                keccak256(abi.encode(keccak256(bytes(opType)), op.kind, op.name, keccak256(op.value), op.validity));
            hashes = abi.encodePacked(hashes, hash);
        }
        bytes32 typeHash = keccak256(abi.encodePacked(updateType, opType));
        bytes32 structHash = keccak256(abi.encode(typeHash, owner, keccak256(hashes), nonce, deadline));
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("DIDRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        return keccak256(abi.encodePacked("\x19\x01", domain, structHash));
    }
}
