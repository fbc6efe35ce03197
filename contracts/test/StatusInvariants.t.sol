// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CredentialStatusRegistry} from "../src/CredentialStatusRegistry.sol";
import {DIDRegistry} from "../src/DIDRegistry.sol";
import {Base} from "./Base.sol";

/// @notice Drives one irreversible list by its owner, a delegate and strangers, and keeps a plain model beside it.
contract StatusActor is Base {
    uint32 public constant CAPACITY = 160;

    DIDRegistry public immutable dids = new DIDRegistry();
    CredentialStatusRegistry public immutable registry = new CredentialStatusRegistry(dids);
    bytes32 public immutable list;

    mapping(uint32 index => uint8) public model;
    mapping(uint32 index => bool) public everInvalid;
    uint48 public version = 1;
    uint256 public unauthorised;
    bool public delegated;

    address private owner = vm.addr(OWNER_KEY);
    address private immutable identity = vm.addr(OWNER_KEY);
    address private immutable delegate = vm.addr(OTHER_KEY);

    constructor() {
        vm.prank(identity);
        list = registry.createList(identity, "list", 2, CAPACITY, true, "");
    }

    function setOne(uint8 who, uint32 index, uint8 status) external {
        index = uint32(within(index, 0, CAPACITY - 1));
        status = uint8(within(status, 0, 3));
        bool allowed = actAs(who);
        try registry.setStatus(list, index, status) {
            record(allowed, index, status);
            version += 1;
        } catch {
            yes(!allowed || refusedByModel(index, status), "an allowed change was refused");
        }
    }

    function setTwo(uint8 who, uint32 index, uint8 first, uint8 second) external {
        index = uint32(within(index, 0, CAPACITY - 2));
        first = uint8(within(first, 0, 3));
        second = uint8(within(second, 0, 3));
        bytes memory packed = abi.encodePacked(index, first, index + 1, second);
        bool allowed = actAs(who);
        try registry.setStatuses(list, version, packed) {
            record(allowed, index, first);
            record(allowed, index + 1, second);
            version += 1;
        } catch {
            bool refused = refusedByModel(index, first) || refusedByModel(index + 1, second);
            yes(!allowed || refused, "an allowed batch was refused");
        }
    }

    function rotate(uint256 key) external {
        address next = vm.addr(within(key, 1, 1_000_000));
        vm.prank(owner);
        dids.changeOwner(identity, next);
        owner = next;
    }

    function delegateOrRevoke(bool on) external {
        vm.prank(owner);
        if (on) dids.addDelegate(identity, "statusUpdater", delegate, 1_000_000);
        else dids.revokeDelegate(identity, "statusUpdater", delegate);
        delegated = on;
    }

    function actAs(uint8 who) private returns (bool allowed) {
        uint256 role = within(who, 0, 2);
        address caller = role == 0 ? owner : role == 1 ? delegate : address(uint160(0xDEAD0000) + who);
        vm.prank(caller);
        return caller == owner || (caller == delegate && delegated);
    }

    function refusedByModel(uint32 index, uint8 status) private view returns (bool) {
        return model[index] == 1 && status != 1;
    }

    function record(bool allowed, uint32 index, uint8 status) private {
        if (!allowed) unauthorised += 1;
        model[index] = status;
        if (status == 1) everInvalid[index] = true;
    }
}

contract StatusInvariants is Base {
    StatusActor private actor;

    function setUp() public {
        actor = new StatusActor();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actor);
    }

    function invariant_storageEqualsTheModelAndInvalidStays() public view {
        CredentialStatusRegistry registry = actor.registry();
        (uint256[] memory words, uint48 version) = registry.getWords(actor.list(), 0, 2);
        eq(version, actor.version());
        for (uint32 index = 0; index < actor.CAPACITY(); ++index) {
            uint256 stored = (words[index / 128] >> (index % 128) * 2) & 3;
            eq(stored, actor.model(index));
            if (actor.everInvalid(index)) eq(stored, 1);
        }
    }

    function invariant_noUnauthorisedPath() public view {
        eq(actor.unauthorised(), 0);
    }
}
