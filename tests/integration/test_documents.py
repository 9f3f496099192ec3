"""Documents of strangers, read by real processes: what they may do, and what becomes of us."""

import ctypes
import os
import platform
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obo_graph.documents.extract import Extract, Unreadable
from obo_graph.documents.process import Confines, WorkerProcess
from obo_graph.documents.reader import Reader, Rules, text_of
from unit.graph_server import papers
from unit.graph_server.papers import cell, docx, paragraph, pptx, rows, shown, slide, xlsx

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are confined on Linux")

MB = 1024 * 1024
NOISE = random.Random(5).randbytes(MB // 2)  # what lets a part unpack to a hundred megabytes
QUICK = Rules(wait_seconds=60, start_seconds=20, confines=Confines(cpu_seconds=1))
SERVERS = Path(__file__).parents[2] / "servers"
SET_DUMPABLE, GET_DUMPABLE = 4, 3
SMALL = {
    "a.docx": docx(paragraph("Hello")),
    "a.pptx": pptx([slide("Hello"), slide("World")], notes="aside"),
    "a.xlsx": xlsx({"Budget": rows(["Hello", 1.5])}),
    "a.pdf": papers.pdf([shown("Hello")]),
    "a.html": b"<p>Hello<p hidden>x",
}


def padded(xml):
    package = {
        "_rels/.rels": papers.relations(r1=("officeDocument", "word/document.xml")),
        "word/document.xml": papers.body(xml),
        "word/media/image1.png": NOISE,
    }
    return papers.packed(package)


def corners():
    far = f'<row r="1048576">{cell("XFD1048576", "x")}</row>'
    return f'<sheetData><row r="1">{cell("A1", "x")}</row>{far}</sheetData>'


def resident_bytes():
    status = Path("/proc/self/statm").read_text("ascii")
    return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def children():
    tasks = Path("/proc/self/task").glob("*/children")
    return {int(number) for task in tasks for number in task.read_text("ascii").split()}


async def why(reader, name, content, **asked):
    with pytest.raises(Unreadable) as caught:
        await text_of(reader, name, content, first_chars=2_000, **asked)
    return caught.value.reason


@pytest.mark.parametrize("name", SMALL)
async def test_a_document_of_each_kind_is_read(name):
    async with Reader() as reader:
        found = await text_of(reader, name, SMALL[name], first_chars=2_000)
    assert "Hello" in found.text
    assert (found.more, found.kind) == (False, name[2:])


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.md", "a.json", "a.log"])
async def test_a_text_needs_no_process(name):
    before = children()
    async with Reader() as reader:
        found = await text_of(reader, name, "Grüße".encode(), first_chars=3)
        assert (found.text, found.more, found.kind) == ("Grü", True, name[2:])
        assert children() == before


@pytest.mark.parametrize(
    ("name", "content", "pages", "reason"),
    [
        ("a.exe", b"x", "", "unsupported"),
        ("a.txt", b"MZ\x00", "", "broken"),
        ("a.txt", b"x", "1", "pages"),
        ("a.html", b"x", "1", "pages"),
        ("a.html", b"MZ\x00", "", "broken"),
        ("a.pdf", bytes(33 * MB), "", "too_large"),
        ("a.pptx", SMALL["a.pptx"], "3", "pages"),
        ("a.pdf", SMALL["a.docx"], "", "broken"),
        ("a.docx", SMALL["a.pdf"], "", "broken"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_its_reason(name, content, pages, reason):
    async with Reader() as reader:
        assert await why(reader, name, content, pages=pages) == reason


async def test_a_long_document_is_cut_and_says_so():
    content = docx("".join(paragraph(f"line {number}") for number in range(2_000)))
    async with Reader() as reader:
        found = await text_of(reader, "a.docx", content, first_chars=100)
        assert (len(found.text), found.more) == (100, True)
        assert len((await text_of(reader, "a.docx", content, first_chars=10**6)).text) > 15_000


HOSTILE = {
    "bomb.docx": (papers.packed({"word/document.xml": bytes(90 * MB)}), {"too_large"}),
    "members.xlsx": (papers.packed({str(n): b"" for n in range(20_000)}), {"too_large"}),
    "corners.xlsx": (xlsx({"A": corners()}), {"too_large", "broken"}),
    "unpacks.pdf": (papers.pdf([shown("x") * 8_000_000]), {"too_large", "broken", "too_slow"}),
    "noise.pdf": (b"%PDF-1.7\n" + NOISE, {"broken"}),
    "cut.pdf": (papers.pdf([shown("x")] * 50)[:2_000], {"broken"}),
    "endless.docx": (padded("<w:p/>" * 12_000_000), {"too_slow"}),
    "endless.html": (b"<p>" * 5_000_000, {"too_slow", "too_large"}),
}


@pytest.mark.promise("P-28")
@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_document_harms_neither_us_nor_those_who_read_beside_it(name):
    content, reasons = HOSTILE[name]
    seen = []
    async with Reader(QUICK) as reader, anyio.create_task_group() as group:
        await text_of(reader, "a.html", b"warm", first_chars=10)
        before = resident_bytes()

        async def beside(kind):
            found = await text_of(reader, kind, SMALL[kind], first_chars=2_000)
            seen.append(found.text)

        for kind in SMALL:
            group.start_soon(beside, kind)
        assert await why(reader, name, content) in reasons
        assert resident_bytes() - before < 30 * MB
    assert len(seen) == len(SMALL)
    assert all("Hello" in text for text in seen)


async def test_a_deep_document_is_read_or_refused_but_not_our_end():
    deep = docx("<w:p>" * 100_000 + "<w:r><w:t>x</w:t></w:r>" + "</w:p>" * 100_000)
    async with Reader() as reader:
        assert (await text_of(reader, "a.docx", deep, first_chars=9)).text == "x\n"
        found = await text_of(reader, "a.html", b"<div>" * 100_000 + b"x", first_chars=9)
        assert found.text == "x"


async def test_the_wall_clock_ends_a_process_too():
    async with Reader(Rules(read_seconds=0.3)) as reader:
        assert await why(reader, "a.docx", HOSTILE["endless.docx"][0]) == "too_slow"
        assert (await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)).parts == 1


async def test_who_finds_the_line_full_is_told_at_once():
    slow = HOSTILE["endless.docx"][0]
    reasons = []

    async def read(reader):
        reasons.append(await why(reader, "a.docx", slow))

    rules = Rules(at_once=1, waiting=1, wait_seconds=60, confines=Confines(cpu_seconds=1))
    async with Reader(rules) as reader, anyio.create_task_group() as group:
        group.start_soon(read, reader)
        group.start_soon(read, reader)
        await anyio.lowlevel.checkpoint()
        assert await why(reader, "a.docx", SMALL["a.docx"]) == "busy"
        assert reasons == []
    assert reasons == ["too_slow", "too_slow"]


async def test_who_waits_too_long_in_line_is_told():
    rules = Rules(at_once=1, wait_seconds=0.1, confines=Confines(cpu_seconds=1))
    async with Reader(rules) as reader, anyio.create_task_group() as group:
        group.start_soon(why, reader, "a.docx", HOSTILE["endless.docx"][0])
        await anyio.lowlevel.checkpoint()
        assert await why(reader, "a.docx", SMALL["a.docx"]) == "busy"


async def test_a_caller_who_gives_up_takes_the_process_along():
    before = children()
    async with Reader() as reader:
        async with anyio.create_task_group() as group:
            group.start_soon(why, reader, "a.docx", HOSTILE["endless.docx"][0])
            with anyio.fail_after(20):
                while children() == before:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert children() == before
        assert (await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)).parts == 1


async def test_nothing_runs_on_after_the_reader_is_closed():
    before = children()
    async with Reader() as reader:
        await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)
        assert len(children() - before) == 1  # the spare
    assert children() == before
    with pytest.raises(RuntimeError):
        await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)


async def test_a_spare_that_died_is_not_used():
    before = children()
    async with Reader() as reader:
        await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)
        (spare,) = children() - before
        os.kill(spare, 9)
        with anyio.fail_after(20):
            while reader._spare.alive:
                await anyio.lowlevel.checkpoint()
        assert (await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)).parts == 1


async def test_two_readers_that_end_together_keep_one_spare():
    before = children()
    async with Reader() as reader:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(reader._keep_spare)
        assert len(children() - before) == 1
    assert children() == before


async def test_a_spare_that_starts_while_the_reader_closes_is_ended():
    before = children()
    reader = Reader()
    await reader.__aenter__()
    async with anyio.create_task_group() as group:
        group.start_soon(reader._keep_spare)
        await anyio.lowlevel.checkpoint()
        await reader.__aexit__(None, None, None)
    assert children() == before


async def test_a_text_is_given_even_if_no_next_process_can_be_started(monkeypatch, caplog):
    async with Reader() as reader:
        await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
        assert (await text_of(reader, "a.pdf", SMALL["a.pdf"], first_chars=99)).parts == 1
        assert await why(reader, "a.pdf", SMALL["a.pdf"]) == "unavailable"
    assert "No process can be started" in caplog.text


def test_a_document_takes_no_more_than_twenty_seconds_of_a_call():
    rules = Rules()
    assert rules.wait_seconds + rules.start_seconds + rules.read_seconds <= 20


async def test_a_process_that_cannot_be_confined_reads_nothing(caplog):
    no_limit_of_the_kernel = 2**70
    async with Reader(Rules(confines=Confines(no_limit_of_the_kernel))) as reader:
        assert await why(reader, "a.pdf", SMALL["a.pdf"]) == "unavailable"
    assert "No process gets ready" in caplog.text


async def test_a_ready_process_has_given_up_what_it_does_not_need():
    process = await WorkerProcess.start(Confines(memory_bytes=400 * MB, cpu_seconds=7))
    try:
        home = Path(f"/proc/{process._process.pid}")
        with suppress(PermissionError):  # once it is confined, only root may look
            assert b"=" not in (home / "environ").read_bytes()
        assert await process.ready()
        limits = (home / "limits").read_text("ascii").splitlines()
        held = {line[:26].strip(): line[26:].split()[0] for line in limits}
        assert held["Max address space"] == str(400 * MB)
        assert held["Max cpu time"] == "7"
        for name in ("open files", "processes", "file size", "core file size"):
            assert held[f"Max {name}"] == "0"
        status = (home / "status").read_text("ascii")
        assert "NoNewPrivs:\t1" in status
        assert "Uid:\t0" not in status
        if platform.machine() in {"x86_64", "aarch64"}:
            assert "Seccomp:\t2" in status
    finally:
        await process.end()


TRIES = {
    "open": "open('/etc/hostname')",
    "write": "os.write(out, b'x')",
    "socket": "socket.socket()",
    "pipe": "os.pipe()",
    "dup": "os.dup(0)",
    "fork": "os.fork()",
    "exec": "subprocess.run(['true'])",
    "thread": "threading.Thread(target=print).start()",
    "raise": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "memory": "mmap.mmap(-1, 1 << 30)",
}
if platform.machine() in {"x86_64", "aarch64"}:
    TRIES |= {
        "signal": "os.kill(os.getpid(), 0)",
        "signal through a descriptor": "os.close(os.pidfd_open(os.getppid()))",
        "signal to a thread": "signal.pthread_kill(threading.get_ident(), 0)",
        "look into memory": "look(os.getpid(), id(None))",
        "priority": "os.setpriority(os.PRIO_PROCESS, os.getpid(), 19)",
    }
LOOK = """
import ctypes, os
class Piece(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def look(pid, at):
    got = ctypes.create_string_buffer(8)
    here, there = Piece(ctypes.addressof(got), 8), Piece(at, 8)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) != 8:
        raise OSError(ctypes.get_errno(), "process_vm_readv")
    return got.raw
"""


@pytest.mark.parametrize("name", TRIES)
def test_a_confined_process_cannot(name, tmp_path):
    program = (
        f"{LOOK}\n"
        "import mmap, os, resource, signal, socket, subprocess, sys, threading\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "out = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
        "from obo_graph.documents.confinement import confine\n"
        "if sys.argv[2] == 'confined': confine(512 << 20, 5)\n"
        f"try: {TRIES[name]}\n"
        "except (OSError, RuntimeError, MemoryError, ValueError): os._exit(3)\n"
        "os._exit(0)\n"
    )

    def tried(how):
        command = [sys.executable, "-c", program, str(tmp_path / "out"), how]
        return subprocess.run(command, env={"PYTHONPATH": str(SERVERS)}, check=False).returncode

    assert tried("free") == 0
    assert tried("confined") == 3


def child_sees_memory(first):
    """Whether a child of the same user sees the memory of a process that has run `first`."""
    program = f"""{LOOK}
from obo_graph.documents.confinement import close_memory
if os.geteuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
ctypes.CDLL(None).prctl({SET_DUMPABLE}, 1, 0, 0, 0)
{first}
child = os.fork()
if not child:
    look(os.getppid(), id(None))
    os._exit(7)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    command = [sys.executable, "-c", program]
    env = {"PYTHONPATH": str(SERVERS)}
    done = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 7 or "process_vm_readv" in done.stderr, done.stderr
    return done.returncode == 7


@pytest.mark.promise("P-28")
def test_a_child_cannot_look_into_a_server_that_closed_its_memory():
    if not child_sees_memory("pass"):
        pytest.skip("this system lets no process look into its parent")
    assert not child_sees_memory("close_memory()")


async def test_who_starts_a_process_for_a_document_closes_its_own_memory():
    libc = ctypes.CDLL(None)
    libc.prctl(SET_DUMPABLE, 1, 0, 0, 0)
    process = await WorkerProcess.start(Confines())
    await process.end()
    assert libc.prctl(GET_DUMPABLE, 0, 0, 0, 0) == 0


def test_the_server_closes_its_memory_before_anything_else():
    program = (
        "import ctypes, obo_graph.__main__ as program\n"
        "assert program.main([]) == 2\n"
        f"assert ctypes.CDLL(None).prctl({GET_DUMPABLE}, 0, 0, 0, 0) == 0\n"
    )
    where = os.pathsep.join([str(SERVERS), str(SERVERS.parent / "src")])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": where}, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@st.composite
def mutated(draw):
    name = draw(st.sampled_from(sorted(SMALL)))
    content = bytearray(SMALL[name])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content) - 1))
        match draw(st.sampled_from(["change", "cut", "repeat"])):
            case "change":
                content[at] = draw(st.integers(0, 255))
            case "cut":
                del content[at : at + draw(st.integers(1, 40))]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 40))]
        if not content:
            break
    return name, bytes(content)


@given(st.lists(mutated(), min_size=20, max_size=20))
@settings(max_examples=4, deadline=None)
def test_a_changed_document_is_read_or_refused(changed):
    async def all_of_them():
        async with Reader(QUICK) as reader:
            for name, content in changed:
                with suppress(Unreadable):
                    found = await text_of(reader, name, content, first_chars=500)
                    assert isinstance(found, Extract)

    anyio.run(all_of_them)
