"""A program's own SIGILL is its own, and a CPUID is answered whatever it does with signals."""

from __future__ import annotations

import signal

import pytest

from .programs import ASK, Bench

BEGINNING = (
    "#define _GNU_SOURCE\n#include <signal.h>\n#include <setjmp.h>\n#include <ucontext.h>\n"
    + ASK
    + r"""
static void check(const char *what)
{
	unsigned r[4];

	ask(0x80000001, 0, r);
	puts(r[0] == 0x00b00f21 ? what : "the real processor");
}

static int seen;

static void skips(int number, siginfo_t *info, void *context)
{
	seen += number == SIGILL && info->si_signo == SIGILL;
	check("inside");
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
static sigjmp_buf back;

static void jumps(int number)
{
	seen += number == SIGILL;
	siglongjmp(back, 1);
}
"""
)


def program(bench: Bench, body: str) -> tuple[int, list[str]]:
    source = BEGINNING + "int main(void)\n{\n" + body + "\nreturn 0;\n}\n"
    result = bench.run(bench.compile("signals", source, "-w"))
    return result.returncode, result.stdout.split("\n")[:-1]


def test_a_handler_gets_what_is_not_ours(bench: Bench) -> None:
    body = r"""
	struct sigaction new = { .sa_sigaction = skips, .sa_flags = SA_SIGINFO }, old;

	sigaction(SIGILL, &new, &old);
	puts(old.sa_handler == SIG_DFL ? "was default" : "was not");
	check("before");
	__asm__ volatile("ud2");
	check("after");
	sigaction(SIGILL, NULL, &old);
	puts(old.sa_sigaction == skips && old.sa_flags & SA_SIGINFO ? "kept" : "lost");
	printf("%d\n", seen);
"""
    assert program(bench, body) == (0, ["was default", "before", "inside", "after", "kept", "1"])


def test_a_handler_may_jump_out(bench: Bench) -> None:
    body = r"""
	puts(signal(SIGILL, jumps) == SIG_DFL ? "was default" : "was not");
	for (volatile int i = 0; i < 3; i++)
		if (!sigsetjmp(back, 1))
			__asm__ volatile("ud2");
	check("after");
	printf("%d\n", seen);
"""
    assert program(bench, body) == (0, ["was default", "after", "3"])


def test_a_handler_for_one_time(bench: Bench) -> None:
    body = r"""
	struct sigaction new = { .sa_sigaction = skips, .sa_flags = SA_SIGINFO | SA_RESETHAND };

	sigaction(SIGILL, &new, NULL);
	__asm__ volatile("ud2");
	check("after");
	fflush(stdout);
	__asm__ volatile("ud2");
"""
    assert program(bench, body) == (-signal.SIGILL, ["inside", "after"])


def test_the_mask_of_a_handler(bench: Bench) -> None:
    body = r"""
	struct sigaction new = { .sa_handler = jumps };
	sigset_t now;

	sigaddset(&new.sa_mask, SIGUSR1);
	sigaction(SIGILL, &new, NULL);
	if (!sigsetjmp(back, 0))
		__asm__ volatile("ud2");
	sigprocmask(SIG_BLOCK, NULL, &now);
	puts(sigismember(&now, SIGUSR1) ? "blocked" : "open");
	check("after");
"""
    assert program(bench, body) == (0, ["blocked", "after"])


@pytest.mark.parametrize(
    ("disposition", "how", "code"),
    [
        ("SIG_DFL", "raise(SIGILL);", -signal.SIGILL),
        ("SIG_IGN", "raise(SIGILL);", 0),
        ("SIG_DFL", '__asm__ volatile("ud2");', -signal.SIGILL),
        ("SIG_IGN", '__asm__ volatile("ud2");', -signal.SIGILL),
    ],
)
def test_without_a_handler_as_the_kernel_does(
    bench: Bench, disposition: str, how: str, code: int
) -> None:
    body = f'signal(SIGILL, {disposition}); check("before"); fflush(stdout); {how} check("after");'
    assert program(bench, body) == (code, ["before"] + (["after"] if code == 0 else []))


@pytest.mark.parametrize("function", ["sigprocmask", "pthread_sigmask"])
@pytest.mark.parametrize("how", ["SIG_BLOCK", "SIG_SETMASK"])
def test_nobody_can_block_it(bench: Bench, function: str, how: str) -> None:
    body = f"""
	sigset_t all, now;

	sigfillset(&all);
	{function}({how}, &all, NULL);
	check("blocked");
	{function}(SIG_BLOCK, NULL, &now);
	puts(sigismember(&now, SIGUSR2) ? "the others are" : "none is");
"""
    assert program(bench, body) == (0, ["blocked", "the others are"])


def test_in_a_handler_that_blocks_everything(bench: Bench) -> None:
    body = r"""
	struct sigaction new = { .sa_sigaction = skips, .sa_flags = SA_SIGINFO };
	void other(int number) { check("in another handler"); }

	sigaction(SIGILL, &new, NULL);
	new.sa_handler = other;
	new.sa_flags = 0;
	sigfillset(&new.sa_mask);
	sigaction(SIGUSR1, &new, NULL);
	raise(SIGUSR1);
"""
    assert program(bench, body) == (0, ["in another handler"])


def test_a_program_that_begins_with_it_ignored_and_blocked(bench: Bench) -> None:
    """Both are inherited over execve. What blocks it here is the system call itself."""
    body = r"""
	unsigned long mask = ~0ul;
	extern char **environ;
	struct { void *handler; unsigned long flags, restorer, mask; } ignore = { (void *)1 };

	if (!getenv("SECOND")) {
		syscall(13, SIGILL, &ignore, NULL, 8);
		syscall(14, SIG_SETMASK, &mask, NULL, 8);
		setenv("SECOND", "", 1);
		execl("/proc/self/exe", "second", NULL);
	}
	check("answered");
	raise(SIGILL);
	puts("still ignored");
"""
    assert program(bench, body) == (0, ["answered", "still ignored"])
