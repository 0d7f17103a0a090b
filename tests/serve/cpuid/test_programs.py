"""Programs meet the virtual machine's CPUID, and notice nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from softsnp.serve.cpuid import find_sites, table, write
from softsnp.serve.cpuid.mirror import answer
from softsnp.serve.generations import GENERATIONS
from softsnp.serve.view import Topology

from .programs import ASK, SHOW, Bench, answers, run

TURIN = 0x00B0_0F21
TREE = Topology(8, 2, 1)


def test_a_program_is_on_another_machine(bench: Bench) -> None:
    program = bench.compile("show", SHOW)
    result = bench.run(program, "0", "0", "80000001", "0", "8000001f", "0", "40000000", "0")
    vendor, features, encryption, hypervisor = answers(result.stdout)
    assert b"".join(vendor[i].to_bytes(4, "little") for i in (1, 3, 2)) == b"AuthenticAMD"
    assert features[0] == TURIN
    assert encryption[0] & 1 << 4  # SNP
    assert hypervisor == (0, 0, 0, 0)


def test_it_runs_unchanged_when_nobody_knows_its_instructions(bench: Bench) -> None:
    program = bench.compile("show", SHOW)
    plain = run([str(program), "80000002", "0"], dict(os.environ))
    assert bench.run(program, "80000002", "0", asked=()).stdout == plain.stdout


def test_it_runs_unchanged_when_the_answer_is_about_another_file(bench: Bench) -> None:
    program = bench.compile("show", SHOW)
    variables = bench.variables(program)
    os.utime(program, ns=(0, 1))
    plain = run([str(program), "80000002", "0"], dict(os.environ))
    assert run([str(program), "80000002", "0"], variables).stdout == plain.stdout


@pytest.mark.parametrize("damaged", [b"", b"SNPCPUID", b"\0" * 400, None])
def test_it_runs_unchanged_without_a_table(bench: Bench, damaged: bytes | None) -> None:
    program = bench.compile("show", SHOW)
    bench.table.unlink()
    if damaged is not None:
        bench.table.write_bytes(damaged)
    plain = run([str(program), "80000002", "0"], dict(os.environ))
    result = bench.run(program, "80000002", "0")
    assert (result.returncode, result.stdout) == (0, plain.stdout)


@pytest.mark.parametrize("cut", [1, 12, 100])
def test_a_table_that_was_cut_short_is_none(bench: Bench, cut: int) -> None:
    program = bench.compile("show", SHOW)
    bench.table.write_bytes(bench.table.read_bytes()[:-cut])
    plain = run([str(program), "80000002", "0"], dict(os.environ))
    assert bench.run(program, "80000002", "0").stdout == plain.stdout


def test_the_same_bytes_in_a_number_stay(bench: Bench) -> None:
    source = (
        ASK
        + r"""
int main(void)
{
	unsigned first, second;
	unsigned long third;

	__asm__ volatile("movl $0x1234a20f, %0" : "=r"(first));
	__asm__ volatile("movl $0xa20f5678, %0" : "=r"(second));
	__asm__ volatile("movabsq $0x0fa20fa20fa20fa2, %0" : "=r"(third));
	show(0x80000001, 0);
	printf("%x %x %lx\n", first, second, third);
}
"""
    )
    program = bench.compile("numbers", source)
    assert program.read_bytes().count(b"\x0f\xa2") >= 5
    assert len(find_sites(program)) == 1
    first, second = bench.run(program).stdout.splitlines()
    assert int(first.split()[0], 16) == TURIN
    assert second == "1234a20f a20f5678 fa20fa20fa20fa2"


LIBRARY = ASK + "void from_library(void) { show(0x80000001, 0); }\n"


def test_a_shared_library_too(bench: Bench) -> None:
    library = bench.compile("libasks.so", LIBRARY, "-shared", "-fPIC")
    program = bench.compile(
        "linked",
        "void from_library(void); int main(void) { from_library(); }",
        "-L.",
        "-lasks",
        "-Wl,-rpath,$ORIGIN",
    )
    ((eax, *_),) = answers(bench.run(program, asked=(program, library)).stdout)
    assert eax == TURIN


GO_NOTE = r"""
__asm__(".section .note.go.buildid, \"a\", @note\n"
	".long 4, 4, 4\n.asciz \"Go\"\n.byte 0, 1, 2, 3, 4\n.text");
"""


@pytest.mark.parametrize("asks_libc", [False, True])
def test_a_program_of_go_is_known_by_whether_it_asks_libc(bench: Bench, asks_libc: bool) -> None:
    """Its runtime takes every signal, by libc with cgo, else by the system call."""
    takes = r"""
#include <signal.h>
#include <string.h>
__attribute__((constructor)) static void takes(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigaction(SIGILL, &action, NULL);
}
"""
    program = bench.compile("go", SHOW + GO_NOTE + (takes if asks_libc else ""))
    plain = answers(run([str(program), "80000002", "0"], dict(os.environ)).stdout)
    result = answers(bench.run(program, "80000002", "0", "80000001", "0").stdout)
    assert (result[1][0] == TURIN) == asks_libc
    if not asks_libc:
        assert result[0] == plain[0]


@pytest.mark.parametrize("known", [False, True])
def test_not_even_its_libraries_if_the_program_is_left_alone(bench: Bench, known: bool) -> None:
    library = bench.compile("libasks.so", LIBRARY, "-shared", "-fPIC")
    source = "void from_library(void); int main(void) { from_library(); }"
    program = bench.compile("linked", source, "-L.", "-lasks", "-Wl,-rpath,$ORIGIN")
    variables = bench.variables(library)
    if known:
        mirrored = bench.folder / "mirror" / program.relative_to("/")
        mirrored.write_text(answer(program.stat(), None))
    plain = run([str(program)], dict(os.environ))
    result = run([str(program)], variables)
    assert (result.returncode, result.stdout) == (0, plain.stdout)


def test_a_library_that_is_opened_later_before_its_constructors(bench: Bench) -> None:
    library = bench.compile(
        "liblater.so",
        LIBRARY + "__attribute__((constructor)) static void first(void) { from_library(); }\n",
        "-shared",
        "-fPIC",
    )
    source = r"""
#include <dlfcn.h>
int main(void)
{
	for (int i = 0; i < 2; i++) { /* the program's own search path finds it */
		void *library = dlopen("liblater.so", RTLD_LAZY);
		void (*function)(void) = (void (*)(void))dlsym(library, "from_library");

		function();
		dlclose(library);
	}
}
"""
    program = bench.compile("opens", source, "-Wl,-rpath,$ORIGIN", "-ldl")
    result = bench.run(program, asked=(program, library))
    assert [eax for eax, *_ in answers(result.stdout)] == [TURIN] * 4, result.stderr


def test_threads(bench: Bench) -> None:
    source = (
        ASK
        + r"""
#include <pthread.h>
static void *many(void *wrong)
{
	unsigned r[4];

	for (int i = 0; i < 2000; i++) {
		ask(0x80000001, i, r);
		if (r[0] != 0x00b00f21)
			__atomic_add_fetch((int *)wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[8];
	int wrong = 0;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, many, &wrong);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	printf("%d wrong\n", wrong);
}
"""
    )
    assert bench.run(bench.compile("threads", source, "-pthread")).stdout == "0 wrong\n"


def test_children_and_what_they_execute(bench: Bench) -> None:
    source = (
        ASK
        + r"""
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **arguments)
{
	show(0x80000001, 0);
	if (count == 1 && !fork()) {
		show(0x80000001, 0);
		execl(arguments[0], arguments[0], "executed", NULL);
	}
	wait(NULL);
}
"""
    )
    result = bench.run(bench.compile("forks", source))
    assert [eax for eax, *_ in answers(result.stdout)] == [TURIN] * 3


def test_a_running_program_sees_what_the_host_changes(bench: Bench) -> None:
    source = ASK + "int main(void) { do show(0x8000001f, 0); while (getchar() == '\\n'); }\n"
    program = bench.compile("waits", source)
    with subprocess.Popen(
        [str(program)],
        env=bench.variables(program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        before = answers(process.stdout.readline())[0]
        write(bench.table, table(GENERATIONS["turin"], TREE, without={"sev-snp"}))
        process.stdin.write("\n")
        process.stdin.flush()
        after = answers(process.stdout.readline())[0]
        process.stdin.close()
    assert (before[0] >> 4 & 1, after[0] >> 4 & 1) == (1, 0)
    assert after[0] >> 3 & 1  # SEV-ES


def test_no_instruction_is_announced_that_would_fault_here(bench: Bench) -> None:
    program = bench.compile("show", SHOW)
    leaves = ("1", "0", "7", "0", "7", "1")
    real = answers(run([str(program), *leaves], dict(os.environ)).stdout)
    ours = answers(bench.run(program, *leaves).stdout)
    usable = (
        (0, 2, (0, 1, 9, 12, 19, 20, 22, 23, 25, 26, 27, 28, 29, 30)),  # SSE3 to RDRAND
        (1, 1, (3, 5, 8, 16, 17, 18, 19, 21, 28, 29, 30, 31)),  # BMI1 to AVX512VL
        (1, 2, (1, 6, 8, 9, 10, 11, 12, 14, 22, 27, 28)),  # AVX512_VBMI to MOVDIR64B
        (2, 0, (4, 5)),  # AVX_VNNI, AVX512_BF16
    )
    for leaf, register, bits in usable:
        for bit in bits:
            assert ours[leaf][register] >> bit & 1 <= real[leaf][register] >> bit & 1
    assert not ours[0][2] & 1 << 31  # the hypervisor's


def test_the_cpu_that_asks_is_known(bench: Bench) -> None:
    source = (
        "#define _GNU_SOURCE\n#include <sched.h>\n"
        + ASK
        + r"""
int main(void)
{
	cpu_set_t set;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set))
			continue;
		printf("%x ", cpu);
		show(0xb, 0);
		printf("%x ", cpu);
		show(0x8000001e, 0);
	}
}
"""
    )
    for cpu, a, b, _, d in answers(bench.run(bench.compile("cpus", source)).stdout)[::2]:
        assert d == 2 * (cpu % 8 % 4) + cpu % 8 // 4
        assert (a, b) == (1, 2)


def test_lscpu_finds_no_hypervisor(bench: Bench) -> None:
    found = shutil.which("lscpu")
    if found is None:
        pytest.skip("lscpu is not installed")
    program = Path(found).resolve()
    try:
        sites = find_sites(program)
    except ValueError:
        pytest.skip(f"{program} is no ELF program")
    if not sites:
        pytest.skip(f"{program} has no CPUID instruction")
    variables = {**bench.variables(program), "LC_ALL": "C"}
    plain = run([str(program)], {**os.environ, "LC_ALL": "C"}).stdout
    if "Hypervisor vendor" not in plain:
        pytest.skip("this is no virtual machine")
    result = run([str(program)], variables)
    assert result.returncode == 0
    assert "Hypervisor vendor" not in result.stdout


def test_a_static_program_runs_unchanged(bench: Bench) -> None:
    try:
        program = bench.compile("static", SHOW, "-static")
    except subprocess.CalledProcessError:
        pytest.skip("no static libc to link with")
    plain = run([str(program), "80000002", "0"], dict(os.environ))
    result = bench.run(program, "80000002", "0")
    assert (result.returncode, result.stdout) == (0, plain.stdout)


def test_a_crash_stays_a_crash(bench: Bench) -> None:
    program = bench.compile("crash", ASK + 'int main(void) { show(0, 0); __asm__("ud2"); }')
    assert bench.run(program).returncode == -signal.SIGILL
