"""Promotion, chains, the way back: who follows whom may change, the history goes on."""

import re


from harness.crew import Crew, stress_seconds, stress_seed
from replication.stage import until, until_equal, wait_for_equal, wait_for_offset
from replication.writers import burst, fill, write_everything

NO_ID = "0" * 40


def promote(actor) -> None:
    actor.must("REPLICAOF", "NO", "ONE")


def test_the_name_of_the_history_after_a_promotion(stage, kinds):
    primary, replica = stage.pair(kinds)
    fill(primary, 100)
    at = wait_for_offset(primary, replica)
    before = replica.info()
    promote(replica)
    after = replica.info()
    assert after["role"] == "master"
    assert after["master_replid2"] == before["master_replid"]
    assert int(after["second_repl_offset"]) == at + 1
    assert int(after["master_repl_offset"]) == at
    assert re.fullmatch("[0-9a-f]{40}", after["master_replid"])
    assert after["master_replid"] != before["master_replid"]
    promote(replica)  # a primary that is told so again stays what it is
    assert replica.info()["master_replid"] == after["master_replid"]
    assert replica.must("SET", "k", "v") == b"OK"


def test_the_other_replica_goes_on_with_the_promoted_one(stage, kinds):
    """Partially, and the old primary as well: neither has anything the promoted one has not."""
    primary, promoted = stage.pair(kinds)
    other = stage.replica(kinds.primary, primary)
    fill(primary, 300)
    wait_for_equal(primary, promoted, other)
    promote(promoted)
    promoted.must("SET", "after the promotion", "1")
    for follower in (other, primary):
        follower.follow(promoted.port)
        until(follower.link_is_up)
        wait_for_equal(promoted, follower)
    assert promoted.sync_counts() == (0, 2)
    for follower in (other, primary):
        assert follower.info()["master_replid"] == promoted.info()["master_replid"]
        assert follower.info()["master_replid2"] == promoted.info()["master_replid2"]
        assert follower.must("GET", "after the promotion") == b"1"


def test_a_primary_that_went_on_alone_is_synchronized_fully(stage, kinds):
    """It has written what the promoted one has not: that must go."""
    primary, promoted = stage.pair(kinds)
    fill(primary, 100)
    wait_for_equal(primary, promoted)
    promote(promoted)
    primary.must("SET", "written by the old primary", "1")
    promoted.must("SET", "written by the new one", "1")
    primary.follow(promoted.port)
    until(primary.link_is_up)
    wait_for_equal(promoted, primary)
    assert promoted.sync_counts()[0] == 1
    assert not primary.must("EXISTS", "written by the old primary")
    assert primary.info()["master_replid2"] == NO_ID


def test_roles_change_to_and_fro_under_load(stage, kinds):
    first, second = stage.pair(kinds, "--repl-ping-replica-period", 3600)
    for each in (first, second):
        each.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)  # the old primary writes nothing at the last moment
    fill(first, 300)
    for turn in range(4):
        crew = Crew(first.port, stress_seed(), stress_seconds(0.2))
        crew.add(write_everything, times=2)
        crew.run()
        wait_for_equal(first, second)
        promote(second)
        first.follow(second.port)
        until(first.link_is_up)
        wait_for_equal(second, first)
        assert second.stat("sync_partial_ok") == turn // 2 + 1, turn
        first, second = second, first
    assert {first.stat("sync_full"), second.stat("sync_full")} == {1, 0}


def chain_of(stage, kinds, *directives):
    primary = stage.server(kinds.primary, *directives)
    middle = stage.replica(kinds.replica, primary, *directives)
    return primary, middle, stage.replica(kinds.primary, middle, *directives)


def test_a_chain(stage, kinds):
    """One stream, one history, one offset for all three."""
    primary, middle, last = chain_of(stage, kinds)
    fill(primary, 500)
    crew = Crew(primary.port, stress_seed(), stress_seconds(0.5))
    crew.add(write_everything, times=2)
    crew.run()
    wait_for_equal(primary, middle)
    wait_for_equal(middle, last)
    wait_for_equal(primary, last)
    until_equal(lambda: len({actor.offset() for actor in (primary, middle, last)}), 1)
    assert len({actor.info()["master_replid"] for actor in (primary, middle, last)}) == 1
    assert middle.info()["connected_slaves"] == primary.info()["connected_slaves"] == "1"
    assert (primary.sync_counts(), middle.sync_counts()) == ((1, 0), (1, 0))


def test_a_chain_whose_head_is_cut_off(stage, kinds):
    """The middle loses its link, the last one does not; the missing bytes come through both."""
    primary, middle, last = chain_of(stage, kinds)
    fill(primary, 300)
    wait_for_equal(primary, middle)
    primary.cut_replicas()
    with primary.client() as client:
        burst(client, 1000)
    wait_for_equal(primary, middle, last)
    assert (primary.sync_counts(), middle.sync_counts()) == ((1, 1), (1, 0))


def test_a_full_synchronization_goes_down_the_chain(stage, kinds):
    """When the middle gets another history, so does the last one."""
    _, middle, last = chain_of(stage, kinds)
    other = stage.server(kinds.primary)
    fill(other, 300)
    middle.follow(other.port)
    until(lambda: middle.link_is_up() and middle.info()["master_replid"] == other.info()["master_replid"])
    until(lambda: last.link_is_up() and last.info()["master_replid"] == other.info()["master_replid"])
    wait_for_equal(other, middle, last)


def test_the_middle_is_promoted(stage, kinds):
    """The last one goes on partially with the new name."""
    primary, middle, last = chain_of(stage, kinds)
    fill(primary, 300)
    wait_for_equal(primary, middle, last)
    promote(middle)
    middle.must("SET", "k", "v")
    until(lambda: last.link_is_up() and last.info()["master_replid"] == middle.info()["master_replid"])
    wait_for_equal(middle, last)
    assert middle.sync_counts() == (1, 1)
    # And the old head becomes the tail of its own chain.
    primary.follow(last.port)
    until(primary.link_is_up)
    wait_for_equal(middle, last, primary)
    assert last.sync_counts() == (0, 1)


def test_the_middle_goes_away(stage, kinds):
    """The last one turns to the head itself, with the history it has."""
    primary, middle, last = chain_of(stage, kinds)
    fill(primary, 300)
    wait_for_equal(primary, middle, last)
    middle.kill()
    primary.must("SET", "k", "v")
    last.follow(primary.port)
    until(last.link_is_up)
    wait_for_equal(primary, last)
    assert primary.sync_counts() == (1, 1)


def test_new_names_go_down_the_chain(stage, kinds):
    """A +CONTINUE with a new name reaches those below: the bottom of three knows the promoted top."""
    top, middle, last = chain_of(stage, kinds)
    above = stage.replica(kinds.replica, top)
    wait_for_equal(top, middle, last, above)
    promote(above)
    top.follow(above.port)
    until(top.link_is_up)
    for actor in (top, middle, last):
        until_equal(lambda: actor.info()["master_replid"], above.info()["master_replid"])
    above.must("SET", "k", "v")
    wait_for_equal(above, top, middle, last)
    assert [actor.stat("sync_full") for actor in (above, top, middle)] == [0, 2, 1]


def test_blocked_clients_of_a_primary_that_becomes_a_replica(stage, kinds):
    primary, replica = stage.pair(kinds)
    promote(replica)
    blocked = [primary.client() for _ in range(3)]
    for client, words in zip(blocked, (("BLPOP", "l", 0), ("BZPOPMIN", "z", 0), ("XREAD", "BLOCK", 0, "STREAMS", "x", "$"))):
        client.send(*words)
    until(lambda: primary.info("clients")["blocked_clients"] == "3")
    primary.follow(replica.port)
    for client in blocked:
        text = client.read_reply().value
        assert text == b"UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
        assert client.wait_closed()
        client.close()


# What INFO and ROLE say, beside what the reference says in the same place.


def shape(info: dict[str, str]) -> dict[str, str]:
    """Names in their order, values with everything that differs by itself made the same."""
    masks = (
        (r"[0-9a-f]{40}", "<id>"),
        (r"port=\d+", "port=<n>"),
        (r"(offset|lag)=\d+", r"\1=<n>"),
    )
    moving = {
        "master_port", "master_last_io_seconds_ago", "slave_read_repl_offset", "slave_repl_offset", "master_repl_offset",
        "second_repl_offset", "repl_backlog_first_byte_offset", "repl_backlog_histlen", "master_link_down_since_seconds",
    }  # fmt: skip
    found = {}
    for name, value in info.items():
        for pattern, mask in masks:
            if value != NO_ID:
                value = re.sub(pattern, mask, value)
        found[name] = "<number>" if name in moving and value.lstrip("-").isdigit() else value
    return found


OWN_FIELDS = {"master_refused", "replica_proof_in_progress"}  # of Holdfast only
OWN_FIELDS |= {f"replica_proof_last_{name}" for name in ("time", "equal", "different", "unchecked")}


def test_info_of_both_roles(stage, kinds):
    """Field by field the same as a pair of the reference, in the same order."""
    reference = type(kinds)("redis", "redis")
    shapes = []
    for pair in (reference, kinds):
        alone = stage.server(pair.primary)
        lonely = stage.unsynchronized_replica(pair.replica, 1)
        primary, replica = stage.pair(pair, "--min-replicas-to-write", 1)
        until(lambda: primary.info()["min_slaves_good_slaves"] == "1")
        wait_for_offset(primary, replica)
        seen = [shape(actor.info()) for actor in (alone, lonely, primary, replica)]
        promote(replica)
        seen.append(shape(replica.info()))
        shapes.append(seen)
    for expected, found in zip(*shapes):
        found = {name: value for name, value in found.items() if name not in OWN_FIELDS}
        assert list(found) == list(expected)
        assert found == expected


def test_role(stage, kinds):
    primary, replica = stage.pair(kinds)
    primary.must("SET", "k", "v")

    def rests():
        """The reply when the replica has acknowledged all there is."""
        role = primary.must("ROLE")
        replicas = role[2].value
        return role if replicas and int(replicas[0].value[2].value) == role[1].value == replica.offset() else None

    role = until(rests)
    at = role[1].value
    assert role[0].value == b"master" and at > 0
    [entry] = role[2].value
    assert [field.value for field in entry.value] == [b"127.0.0.1", b"%d" % replica.port, b"%d" % at]
    assert [field.value for field in replica.must("ROLE")] == [b"slave", b"127.0.0.1", primary.port, b"connected", at]
    replica.follow(1)
    host, port, state, offset = (field.value for field in replica.must("ROLE")[1:])
    assert (host, port, offset) == (b"127.0.0.1", 1, -1) and state in (b"connect", b"connecting")
    promote(replica)
    assert [field.value for field in replica.must("ROLE")] == [b"master", at, ()]


def test_the_server_itself_is_no_primary(stage, kind):
    """A server that follows itself gets no further than its own refusal, and can be freed again."""
    server = stage.server(kind)
    server.must("SET", "k", "v")
    server.follow(server.port)
    for _ in range(20):
        assert server.info()["master_link_status"] == "down"
    promote(server)
    assert server.must("GET", "k") == b"v"
