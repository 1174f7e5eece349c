"""Posted records are read in the order of their commits; a signed post is stored once."""

from penstock.store.project import pushed
from penstock.store.project.pushed import Post

AT, LATER = "2026-01-31T12:00:00.000Z", "2026-02-01T12:00:00.000Z"


def test_records_after_an_id_are_read_in_order(database):
    with database.begin() as conn:
        taken = pushed.append(conn, [Post("a", ["1", "2"]), Post("b", ["3"]), Post("a", [])], AT)
        assert taken == [2, 1, 0]
    with database.begin() as conn:
        pushed.append(conn, [Post("a", ["4"])], LATER)
    with database.read() as conn:
        ((tip, found),) = pushed.after(conn, "a", 0)
        assert found == ["1", "2", "4"]
        assert pushed.received(conn, "a") == (3, tip, LATER)
        assert pushed.tips(conn)["b"] < tip
        assert list(pushed.after(conn, "a", tip)) == []
        assert [record for _, _, record in pushed.latest(conn, "a", 2)] == ["2", "4"]
        assert pushed.received(conn, "nobody") == (0, 0, None)


def test_many_records_are_read_in_parts(database):
    with database.begin() as conn:
        pushed.append(conn, [Post("a", [str(n) for n in range(pushed.READ_AT_ONCE + 5)])], AT)
    with database.read() as conn:
        parts = list(pushed.after(conn, "a", 0))
    assert [len(part) for _, part in parts] == [pushed.READ_AT_ONCE, 5]


def test_a_signed_post_is_stored_once_until_its_signature_is_too_old(database):
    post = Post("a", ["1"], seen="id 7", until=100.0)
    with database.begin() as conn:
        assert pushed.append(conn, [post, post, Post("b", ["1"], seen="id 7", until=100.0)], AT) == [1, 0, 1]
    with database.begin() as conn:
        assert pushed.append(conn, [post], AT) == [0]
        pushed.forget_seen(conn, 100.5)
        assert pushed.append(conn, [post], AT) == [1]


def test_only_old_records_that_were_read_are_deleted_and_no_id_is_used_twice(database):
    with database.begin() as conn:
        pushed.append(conn, [Post("a", ["1", "2"])], AT)
        tip = pushed.received(conn, "a").tip
        assert pushed.delete_oldest(conn, "a", tip, AT) == 0
        assert pushed.delete_oldest(conn, "a", tip - 1, LATER) == 1
        assert pushed.delete_oldest(conn, "a", tip, LATER) == 1
        pushed.append(conn, [Post("a", ["3"])], LATER)
        assert pushed.received(conn, "a").tip > tip
