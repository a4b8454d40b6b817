"""Replaying collected X posts: formats, packings, dirt, damage, and places to go on from."""

import bz2
import gzip
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wordstreet.errors import InputError, SourceError
from wordstreet.schema import Envelope
from wordstreet.sources.replay import Replay

NOW = 1_790_000_000_000_000
NOON = 1_772_452_800_000_000  # 2026-03-02 12:00 UTC


def dump(tree: Any) -> bytes:
    """Write JSON as X does: compact, not escaped."""
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def v2(number: int, minute: int = 0, **more: Any) -> bytes:
    """A line of a v2 stream."""
    at = f"2026-03-02T12:{minute:02}:00.000Z"
    return dump({"data": {"id": str(number), "text": "up", "created_at": at}, **more})


def v1(number: int, **more: Any) -> bytes:
    """A line of v1.1."""
    head = {"created_at": "Mon Mar 02 12:00:00 +0000 2026", "id": number, "id_str": str(number)}
    return dump({**head, "text": "up", "user": {"id_str": "7"}, **more})


def write(path: Path, *lines: bytes) -> Path:
    """Write a file of lines."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def replay(path: Path, **more: Any) -> Replay:
    """A replay with a clock that stands still."""
    return Replay(path, clock=lambda: NOW, **more)


def records(path: Path, **more: Any) -> list[Envelope]:
    """Return every record of a file or folder."""
    return [record for batch in replay(path, **more).read({}) for record in batch.records]


def keys(path: Path) -> list[str]:
    """Return the key of every record."""
    return [record.key for record in records(path)]


def zstd(data: bytes) -> bytes:
    """Pack with zstd as a stream does, without saying how long it is."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


PACKINGS: list[Any] = [
    pytest.param(bytes, id="plain"),
    pytest.param(gzip.compress, id="gzip"),
    pytest.param(zstd, id="zstd"),
    pytest.param(bz2.compress, id="bzip2"),
]
Pack = Callable[[bytes], bytes]


# What a line can be


def test_stream_line_is_kept_byte_for_byte(tmp_path: Path) -> None:
    """The record of a v2 stream line is the line; its headers say what it is and when it claims to be."""
    line = b'{ "data": {"created_at":"2026-03-02T12:00:00.000Z", "id":"42", "text":"caf\xc3\xa9"} }'
    (record,) = records(write(tmp_path / "a", line))

    assert record == Envelope("x:42", line, "x", "post", NOON, "replay", "x.v2")


def test_flattened_post_is_v2(tmp_path: Path) -> None:
    """One post per line with its author inlined, as twarc flattens them."""
    line = dump(
        {"id": "42", "text": "up", "author": {"id": "7"}, "created_at": "2026-03-02T12:00:00Z"}
    )
    (record,) = records(write(tmp_path / "a", line))

    assert (record.key, record.schema, record.observed_at) == ("x:42", "x.v2", NOON)


def test_v1_post_is_recognised(tmp_path: Path) -> None:
    """A line of API v1.1 in a file without extension."""
    (record,) = records(write(tmp_path / "2026-03-02", v1(42)))

    assert (record.key, record.schema, record.observed_at) == ("x:42", "x.v1", NOON)


def test_ids_are_exact(tmp_path: Path) -> None:
    """Numbers that no float and no 64 bits can hold keep every digit."""
    lines = [b'{"id": %d, "text": "up"}' % n for n in (2**53 + 1, 2**64 + 1, 10**23 + 1)]
    page = b'{"data": [{"id": %d, "text": "up"}]}' % (10**24 + 1)

    expected = [f"x:{n}" for n in (2**53 + 1, 2**64 + 1, 10**23 + 1, 10**24 + 1)]
    assert keys(write(tmp_path / "a", *lines, page)) == expected


def test_page_becomes_one_record_for_each_post_with_what_it_refers_to(tmp_path: Path) -> None:
    """Included posts and accounts are context of those who refer to them and no records themselves."""
    page = {
        "data": [
            {"id": "1", "author_id": "7", "text": "a", "attachments": {"media_keys": ["3_1"]}},
            {
                "id": "2",
                "author_id": "8",
                "text": "RT",
                "referenced_tweets": [{"type": "retweeted", "id": "90"}],
            },
        ],
        "includes": {
            "users": [{"id": "7"}, {"id": "8"}, {"id": "9"}],
            "tweets": [{"id": "90", "author_id": "9", "text": "said"}, {"id": "91", "text": "no"}],
            "media": [{"media_key": "3_1", "type": "photo"}],
        },
        "meta": {"result_count": 2},
        "__twarc": {"retrieved_at": "2026-04-01T00:00:00+00:00"},
    }
    found = records(write(tmp_path / "a", dump(page)))

    assert [record.key for record in found] == ["x:1", "x:2"]
    first, second = (json.loads(record.value) for record in found)
    assert first == {
        "data": page["data"][0],
        "includes": {"media": [page["includes"]["media"][0]], "users": [{"id": "7"}]},
        "__twarc": page["__twarc"],
    }
    assert second["includes"] == {
        "tweets": [page["includes"]["tweets"][0]],
        "users": [{"id": "8"}, {"id": "9"}],
    }


def test_page_of_the_new_dialect_keeps_included_posts(tmp_path: Path) -> None:
    """X renamed tweets to posts in 2026; both are carried."""
    page = {
        "data": [{"id": "2", "text": "RT", "referenced_posts": [{"type": "reposted", "id": "90"}]}],
        "includes": {"posts": [{"id": "90", "text": "said"}]},
    }
    (record,) = records(write(tmp_path / "a", dump(page)))

    assert json.loads(record.value)["includes"] == page["includes"]


def test_empty_page_has_no_record(tmp_path: Path) -> None:
    """A page without posts says only that there were none."""
    lines = [dump({"meta": {"result_count": 0}}), dump({"data": [], "meta": {}})]

    assert records(write(tmp_path / "a", *lines)) == []


@pytest.mark.parametrize(
    ("line", "schema"),
    [
        ({"delete": {"status": {"id": 42, "id_str": "42", "user_id": 7}}}, "x.v1"),
        ({"delete": {"tweet": {"id": "42"}, "event_at": "2026-03-02T12:00:00Z"}}, "x.v2"),
        ({"data": {"delete": {"tweet": {"id": "42"}, "event_at": "2026-03-02T12:00:00Z"}}}, "x.v2"),
    ],
)
def test_delete_keeps_order_with_its_post(tmp_path: Path, line: Any, schema: str) -> None:
    """A delete has the key of the post it deletes, in every dialect."""
    (record,) = records(write(tmp_path / "a", dump(line)))

    assert (record.key, record.event, record.schema) == ("x:42", "delete", schema)
    assert record.value == dump(line)


def test_account_events_are_account_events(tmp_path: Path) -> None:
    """An account that goes takes its posts along, so its event must reach the transform as such."""
    line = dump({"user_delete": {"user": {"id": "7"}, "event_at": "2026-03-02T12:00:00Z"}})
    (record,) = records(write(tmp_path / "a", line))

    assert (record.key, record.event, record.observed_at) == ("x:user:7", "account", NOON)


def test_limit_notices_become_gaps_that_add_up(tmp_path: Path) -> None:
    """X counts withheld posts since the connection began; each gap holds only those newly lost."""
    notices = [
        dump({"limit": {"track": track, "timestamp_ms": str(NOON // 1000 + 1000 * second)}})
        for second, track in enumerate((5, 12, 3), 1)
    ]
    gaps = records(write(tmp_path / "a", v1(1), *notices))[1:]

    assert [gap.event for gap in gaps] == ["gap"] * 3
    assert [json.loads(gap.value)["lost"] for gap in gaps] == [5, 7, 3]
    assert json.loads(gaps[0].value)["from"] == "2026-03-02T12:00:00+00:00"
    assert json.loads(gaps[0].value)["to"] == "2026-03-02T12:00:01+00:00"


def test_post_without_time_has_the_one_in_its_id(tmp_path: Path) -> None:
    """Posts collected without created_at still carry their time: X builds ids from it."""
    line = dump({"data": {"id": "1460323737035677698", "text": "up"}})
    (record,) = records(write(tmp_path / "a", line))

    assert record.observed_at // 1_000_000 == 1_637_003_285  # 2021-11-15 19:08:05 UTC


# Dirt


def test_lines_end_with_line_feed_only(tmp_path: Path) -> None:
    """Other characters that some readers take for line ends are text; CR LF, blank lines, BOM go."""
    odd = dump({"id": "1", "text": "a\u2028b\u0085c\u2029d"})
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbf" + odd + b"\r\n\r\n\n  \n" + v2(2))

    assert [record.value for record in records(path)] == [odd, v2(2)]


HOSTILE = [
    b"x",
    b"null",
    b"[1]",
    b"{}",
    b'{"data": 5}',
    b'{"data": [5]}',
    b'{"id": null}',
    b'{"id": "\\ud83d"}',
    b'{"id": true}',
    b'{"id": [1]}',
    b'{"id": 1e400}',
    b'{"id": NaN, "text": 1}',
    b'{"id": "' + b"9" * 5000 + b'"}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b'{"id": "1", "created_at": "0001-01-01T00:00:00+23:59"}',
    b'{"id": "1", "created_at": "2026-03-02T12:00:00"}',
    b'{"id": "1", "created_at": {"a": 1}}',
    b'{"id_str": "1", "created_at": "Mon Foo 02 12:00:00 +0000 2026"}',
    b'{"delete": null}',
    b'{"delete": {"tweet": []}}',
    b'{"limit": {"track": "many", "timestamp_ms": "99999999999999999999999"}}',
    b'{"user_delete": 7}',
    b'{"\\ud83d": 1}',
    b'{"data": [' + b"[" * 600 + b"]" * 600 + b"]}",
    b'{"a":' * 100_000,
    b"[" * 100_000,
    b"\xff\xfe{\x00}\x00",
    b"\x00" * 100,
    b'{"id": "1"',
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_line_becomes_one_record(tmp_path: Path, line: bytes) -> None:
    """What cannot be read is put on the log all the same, under a key and a time that can be stored."""
    found = records(write(tmp_path / "a", line, v2(42)))

    assert [record.key for record in found][1:] == ["x:42"]
    assert found[0].key.encode().startswith(b"x:")
    assert 0 <= found[0].observed_at < 2**62


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=60).filter(lambda b: b"\n" not in b), max_size=8))
def test_no_line_is_dropped(tmp_path: Path, lines: list[bytes]) -> None:
    """Any bytes at all: as many records as lines that are not blank."""
    found = records(write(tmp_path / "a", b"{}", *lines))

    assert len(found) - 1 == sum(not line.isspace() and line != b"" for line in lines)


def test_unreadable_line_takes_the_time_before_it(tmp_path: Path) -> None:
    """The clock is used only where the file has claimed no time yet."""
    path = write(tmp_path / "a", b"broken", v2(1), b"broken")

    assert [record.observed_at for record in records(path)] == [NOW, NOON, NOON]


def test_keys_of_unreadable_lines_tell_file_and_line(tmp_path: Path) -> None:
    """The same file gives the same keys every time."""
    (tmp_path / "d").mkdir()
    write(tmp_path / "d" / "a", v2(1), b"", b"broken")

    assert keys(tmp_path) == ["x:1", "x:?d/a#3"]
    assert keys(tmp_path) == keys(tmp_path)


@pytest.mark.parametrize("pack", PACKINGS)
def test_beginning_of_a_line_too_long_is_kept(tmp_path: Path, pack: Pack) -> None:
    """The rest is skipped and the next line is read right, over any number of blocks."""
    long = dump({"id": "1", "text": "a" * 2_000_000})
    (tmp_path / "a").write_bytes(pack(v2(0) + b"\n" + long + b"\n" + v2(2)))
    found = records(tmp_path / "a", max_record_bytes=100_000)

    assert [record.schema for record in found] == ["x.v2", "oversize", "x.v2"]
    assert found[1].value == long[:65536]


def test_line_of_just_the_limit_is_whole(tmp_path: Path) -> None:
    """The limit itself is allowed, one byte more is not."""
    line = v2(1)
    path = write(tmp_path / "a", line)

    assert records(path, max_record_bytes=len(line))[0].value == line
    assert records(path, max_record_bytes=len(line) - 1)[0].schema == "oversize"


@pytest.mark.parametrize(
    "pack", [pytest.param(gzip.compress, id="gzip"), pytest.param(zstd, id="zstd")]
)
def test_bomb_takes_little_memory(tmp_path: Path, pack: Pack) -> None:
    """A line of 256 MB out of a few kilobytes passes through without being held."""
    (tmp_path / "a").write_bytes(pack(b"0" * 2**28) + pack(b"\n" + v2(2)))
    tracemalloc.start()
    found = [record.key for record in records(tmp_path / "a")]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == ["x:?a#1", "x:2"]
    assert peak < 60 * 2**20


def test_page_cannot_multiply_itself(tmp_path: Path) -> None:
    """Ten thousand posts that all refer to one large post do not become ten thousand large ones."""
    posts = [{"id": str(n), "referenced_tweets": [{"id": "9"}]} for n in range(10_000)]
    page = dump({"data": posts, "includes": {"tweets": [{"id": "9", "text": "a" * 1_000_000}]}})
    found = records(write(tmp_path / "a", page))

    assert len(found) == 10_000
    assert sum(len(record.value) for record in found) < 70 * len(page)


# Packings and folders


@pytest.mark.parametrize("pack", PACKINGS)
def test_packing_is_recognised_by_content(tmp_path: Path, pack: Pack) -> None:
    """What a file is called does not matter; members one after another are one file."""
    path = tmp_path / "posts.json.bz2.gz.zst"
    path.write_bytes(pack(v2(1) + b"\n" + v2(2)[:20]) + pack(v2(2)[20:] + b"\n"))

    assert keys(path) == ["x:1", "x:2"]


def test_zstd_with_the_largest_window(tmp_path: Path) -> None:
    """Archives of years are packed with a window of 2 GiB, which readers refuse unless told."""
    line = v2(1) + b"\n"
    window_of_2_gib, last_raw_block = b"\x00\xa8", (len(line) << 3 | 1).to_bytes(3, "little")
    (tmp_path / "a").write_bytes(b"\x28\xb5\x2f\xfd" + window_of_2_gib + last_raw_block + line)

    assert keys(tmp_path / "a") == ["x:1"]


def test_zstd_skippable_frames_are_skipped(tmp_path: Path) -> None:
    """Parallel packers put frames without data before those with."""
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    (tmp_path / "a").write_bytes(skippable + zstd(v2(1)))

    assert keys(tmp_path / "a") == ["x:1"]


def test_folder_is_read_by_relative_path_without_hidden_files(tmp_path: Path) -> None:
    """Files of subfolders come in the order of their names, what is hidden stays out."""
    for number, name in enumerate(["b/1", "a/2", "a/1", ".hidden", ".git/1", "c"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / name, v2(number))

    assert keys(tmp_path) == ["x:2", "x:1", "x:0", "x:5"]


def test_link_back_to_a_folder_is_harmless(tmp_path: Path) -> None:
    """A folder that holds itself is read once."""
    write(tmp_path / "a", v2(1))
    (tmp_path / "again").symlink_to(tmp_path)

    assert keys(tmp_path) == ["x:1"]


def test_empty_file_is_fine(tmp_path: Path) -> None:
    """A file without a byte has no records and is done."""
    assert records(write(tmp_path / "a")) == []


@pytest.mark.parametrize("kind", ["missing", "empty folder", "only hidden files", "pipe"])
def test_unusable_path_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Nothing is started for a path that can give nothing; the message names it."""
    path = tmp_path / "posts"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        path.mkdir()
    if kind == "only hidden files":
        write(path / ".hidden", v2(1))

    with pytest.raises(InputError, match="posts"):
        replay(path)


# Damage


@pytest.mark.parametrize("pack", PACKINGS[1:])
def test_file_cut_off_gives_what_is_left_and_a_gap(tmp_path: Path, pack: Pack) -> None:
    """Everything before the cut comes, then a gap from the last time seen, then the next file."""
    noise = [v2(n, n % 60, noise=os.urandom(200).hex()) for n in range(5_000)]
    (tmp_path / "a").write_bytes(pack(b"\n".join(noise))[:-200_000])
    write(tmp_path / "b", v2(9_999))
    found = records(tmp_path)
    gap = json.loads(found[-2].value)
    told = sum(record.value in set(noise) for record in found)

    assert 1_000 < told < 5_000
    assert [record.value for record in found[:told]] == noise[:told]
    assert (found[-2].event, found[-1].key) == ("gap", "x:9999")
    assert gap["from"] == f"2026-03-02T12:{(told - 1) % 60:02}:00+00:00"
    assert gap["to"] is None
    assert gap["lost"] is None
    assert gap["reason"].startswith(f"a, after line {told}: the packed data are damaged")


def test_gzip_with_a_wrong_checksum_is_a_gap(tmp_path: Path) -> None:
    """Corrupt data are told as such even when they could be unpacked."""
    data = bytearray(gzip.compress(v2(1) + b"\n"))
    data[-8] ^= 0xFF
    (tmp_path / "a").write_bytes(data)

    assert [record.event for record in records(tmp_path / "a")] == ["post", "gap"]


def test_damage_is_told_once(tmp_path: Path) -> None:
    """A damaged file that has not changed is finished: neither its lines nor its gap come again."""
    (tmp_path / "a").write_bytes(gzip.compress(v2(1) + b"\n" + v2(2))[:-4])
    (batch,) = replay(tmp_path).read({})

    assert [record.event for record in batch.records] == ["post", "post", "gap"]
    assert list(replay(tmp_path).read(batch.cursor)) == []


def test_file_that_cannot_be_opened_is_a_gap_until_it_can(tmp_path: Path) -> None:
    """A link to a disk that is not there: the next files are read, and this one once it is there."""
    (tmp_path / "a").symlink_to(tmp_path / ".away")
    write(tmp_path / "b", v2(2))
    (batch,) = replay(tmp_path).read({})
    write(tmp_path / ".away", v2(1))
    (later,) = replay(tmp_path).read(batch.cursor)

    assert [record.event for record in batch.records] == ["gap", "post"]
    assert (
        "a, after line 0: it cannot be read: No such file"
        in json.loads(batch.records[0].value)["reason"]
    )
    assert [record.key for record in later.records] == ["x:1"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that fails when read")
def test_single_file_that_fails_midway_is_an_error() -> None:
    """With one file there is nothing to go on with; the message says how to."""
    with pytest.raises(SourceError, match="goes on from there"):
        records(Path("/proc/self/mem"))


# Going on


@pytest.mark.parametrize("pack", PACKINGS)
def test_restart_within_pages_gaps_and_dirt(tmp_path: Path, pack: Pack) -> None:
    """After every batch, a restart gives the rest with the same keys, times and counts."""
    page = dump({"data": [{"id": str(n), "text": "up"} for n in range(2_500)]})
    notice = dump({"limit": {"track": 50, "timestamp_ms": str(NOON // 1000)}})
    again = dump({"limit": {"track": 70, "timestamp_ms": str(NOON // 1000)}})
    dirt = [b"broken"] * 1_200
    data = b"\n".join([b"\xef\xbb\xbf" + v2(1), page, notice, *dirt, again, page, v2(2)])
    (tmp_path / "a").write_bytes(pack(data))
    write(tmp_path / "b", v2(3))
    batches = list(replay(tmp_path).read({}))
    everything = [record for batch in batches for record in batch.records]
    cursor: dict[str, str] = {}

    assert len(everything) == 1 + 2_500 + 1 + 1_200 + 1 + 2_500 + 1 + 1
    for done, batch in enumerate(batches, 1):
        cursor.update(batch.cursor)
        rest = [record for later in replay(tmp_path).read(cursor) for record in later.records]
        before = [record for earlier in batches[:done] for record in earlier.records]
        assert before + rest == everything


@pytest.mark.parametrize("cut", [5, 100_000])
@pytest.mark.parametrize("pack", PACKINGS[1:])
def test_restart_in_a_damaged_file(tmp_path: Path, pack: Pack, cut: int) -> None:
    """What is readable of a file cut off is the same in every run, wherever the run begins."""
    noise = [v2(n, n % 60, noise=os.urandom(100).hex()) for n in range(6_000)]
    (tmp_path / "a").write_bytes(pack(b"\n".join(noise))[:-cut])
    batches = list(replay(tmp_path).read({}))
    everything = [record for batch in batches for record in batch.records]
    cursor: dict[str, str] = {}

    assert len(batches) > 2
    assert everything[-1].event == "gap"
    for done, batch in enumerate(batches, 1):
        cursor.update(batch.cursor)
        rest = [record for later in replay(tmp_path).read(cursor) for record in later.records]
        assert [r for earlier in batches[:done] for r in earlier.records] + rest == everything


def test_batches_are_bounded(tmp_path: Path) -> None:
    """Neither many small nor a few large records make a batch that is hard to hold."""
    write(tmp_path / "a", *(v2(n) for n in range(2_500)))
    write(tmp_path / "b", *(v2(n, text="a" * 1_000_000) for n in range(9)))
    batches = list(replay(tmp_path).read({}))

    assert max(len(batch.records) for batch in batches) == 1_000
    assert max(sum(len(r.value) for r in batch.records) for batch in batches) < 6 * 2**20


def test_small_files_share_a_batch(tmp_path: Path) -> None:
    """Ten thousand files of a few posts must not become ten thousand synced transactions."""
    for number in range(50):
        write(tmp_path / f"{number:02}", v2(number))

    assert len(list(replay(tmp_path).read({}))) == 1


@pytest.mark.parametrize("pack", PACKINGS)
def test_finished_file_is_not_read_again(tmp_path: Path, pack: Pack) -> None:
    """A file as long as it was is passed over without a look inside."""
    path = tmp_path / "a"
    path.write_bytes(pack(v2(1) + b"\n"))
    (batch,) = replay(path).read({})
    path.write_bytes(b"?" * path.stat().st_size)

    assert list(replay(path).read(batch.cursor)) == []


@pytest.mark.parametrize("pack", PACKINGS)
def test_file_that_grew_gives_what_is_new(tmp_path: Path, pack: Pack) -> None:
    """Lines appended after the end was reached come with the next run, and they alone."""
    path = tmp_path / "a"
    path.write_bytes(pack(b"".join(v2(n) + b"\n" for n in range(100))))
    (batch,) = replay(path).read({})
    with path.open("ab") as file:
        file.write(pack(v2(100) + b"\n"))

    assert [r.key for later in replay(path).read(batch.cursor) for r in later.records] == ["x:100"]


def test_last_line_that_grew_comes_in_full(tmp_path: Path) -> None:
    """A line still being written when the file was read is read again when it is finished."""
    path = tmp_path / "a"
    path.write_bytes(v2(1) + b"\n" + v2(2)[:20])
    (batch,) = replay(path).read({})
    write(path, v2(1), v2(2))
    (later,) = replay(path).read(batch.cursor)

    assert [record.key for record in batch.records] == ["x:1", "x:?a#2"]
    assert [record.value for record in later.records] == [v2(2)]


@pytest.mark.parametrize("pack", PACKINGS)
@pytest.mark.parametrize("count", [1, 30])
def test_file_with_another_beginning_is_read_from_its_start(
    tmp_path: Path, pack: Pack, count: int
) -> None:
    """A name that was given to another file is another file."""
    path = tmp_path / "a"
    path.write_bytes(pack(b"".join(v2(n) + b"\n" for n in range(200))))
    (batch,) = replay(path).read({})
    path.write_bytes(pack(b"".join(v2(n) + b"\n" for n in range(500, 500 + count))))

    expected = [f"x:{n}" for n in range(500, 500 + count)]
    assert [r.key for later in replay(path).read(batch.cursor) for r in later.records] == expected


@pytest.mark.parametrize("pack", PACKINGS)
def test_file_cut_shorter_is_read_from_its_start(tmp_path: Path, pack: Pack) -> None:
    """The same beginning is not enough where the place itself is gone."""
    path = tmp_path / "a"
    path.write_bytes(pack(b"".join(v2(n) + b"\n" for n in range(200))))
    (batch,) = replay(path).read({})
    path.write_bytes(pack(b"".join(v2(n) + b"\n" for n in range(100))))

    expected = [f"x:{n}" for n in range(100)]
    assert [r.key for later in replay(path).read(batch.cursor) for r in later.records] == expected


def test_progress_grows_to_the_whole(tmp_path: Path) -> None:
    """Bytes on disk, packed ones too: from nothing to everything, never back."""
    (tmp_path / "a").write_bytes(gzip.compress(b"".join(v2(n) + b"\n" for n in range(5_000))))
    write(tmp_path / "b", *(v2(n) for n in range(5_000)))
    source = replay(tmp_path)
    shares = [source.done_bytes for _ in source.read({})]

    assert shares == sorted(shares)
    assert 0 < shares[0] < source.total_bytes
    assert (
        source.done_bytes == source.total_bytes == sum(f.stat().st_size for f in tmp_path.iterdir())
    )


def test_path_of_any_bytes_can_be_stored(tmp_path: Path) -> None:
    """File names need not be text; keys and cursor are."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    write(path, b"broken")
    (batch,) = replay(path).read({})

    assert batch.records[0].key.encode() == rb"x:?\xff#1"
    assert all(part.encode() for part in batch.cursor)
