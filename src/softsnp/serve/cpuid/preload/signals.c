/*
 * SIGILL is ours. What the program asks of it is remembered and told as if it were so, and a
 * SIGILL that is not about a rewritten CPUID ends where the program wanted it. Nobody may block
 * it: the kernel kills a program whose instruction faults while the signal is blocked.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

typedef int action_function(int, const struct sigaction *, struct sigaction *);
typedef int mask_function(int, const sigset_t *, sigset_t *);

/* What the program has asked for. */
static struct sigaction wanted;
static bool taken;

static void *next(void **kept, const char *name)
{
	if (!*kept)
		*kept = dlsym(RTLD_NEXT, name);
	return *kept;
}

static int next_sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
	static void *kept;

	return ((action_function *)next(&kept, "sigaction"))(number, new, old);
}

/* As the kernel would have treated a SIGILL with the default action. */
static void end(const siginfo_t *info)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };

	next_sigaction(SIGILL, &plain, NULL);
	/* A faulting instruction faults again, on return; one that was sent is sent again. */
	if (info->si_code <= 0)
		syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGILL);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
	struct sigaction action = wanted;

	if (!(action.sa_flags & SA_SIGINFO)) {
		if (action.sa_handler == SIG_IGN && info->si_code <= 0)
			return;
		if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
			end(info);
			return;
		}
	}
	if (action.sa_flags & SA_RESETHAND) {
		wanted.sa_handler = SIG_DFL;
		wanted.sa_flags &= ~SA_SIGINFO;
	}
	/* Its mask, until our return restores the one from before. */
	pthread_sigmask(SIG_BLOCK, &action.sa_mask, NULL);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(number, info, context);
	else
		action.sa_handler(number);
}

static void on_illegal(int number, siginfo_t *info, void *context)
{
	greg_t *at = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t address = (uintptr_t)at[REG_RIP];

	if (info->si_code > 0 && rewrite_is_site(address)) {
		uint32_t registers[4] = { [EAX] = (uint32_t)at[REG_RAX],
					  [ECX] = (uint32_t)at[REG_RCX] };

		answer(registers);
		at[REG_RAX] = registers[EAX];
		at[REG_RBX] = registers[EBX];
		at[REG_RCX] = registers[ECX];
		at[REG_RDX] = registers[EDX];
		at[REG_RIP] += 2;
	} else if (info->si_code > 0 && rewrite_is_hook(address)) {
		rewrite_loaded();
		at[REG_RIP] = *(greg_t *)at[REG_RSP]; /* the RET that was there */
		at[REG_RSP] += 8;
	} else {
		pass_on(number, info, context);
	}
}

void signals_take(void)
{
	struct sigaction ours = { .sa_sigaction = on_illegal,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART };
	sigset_t illegal;

	sigemptyset(&ours.sa_mask);
	taken = !next_sigaction(SIGILL, &ours, &wanted);
	sigemptyset(&illegal);
	sigaddset(&illegal, SIGILL);
	pthread_sigmask(SIG_UNBLOCK, &illegal, NULL);
}

PUBLIC int sigaction(int number, const struct sigaction *new, struct sigaction *old)
{
	struct sigaction before = wanted, without;

	if (!taken)
		return next_sigaction(number, new, old);
	if (number != SIGILL) {
		if (new) {
			without = *new;
			sigdelset(&without.sa_mask, SIGILL);
			new = &without;
		}
		return next_sigaction(number, new, old);
	}
	if (new) {
		without = *new;
		sigdelset(&without.sa_mask, SIGILL);
		wanted = without;
	}
	if (old)
		*old = before;
	return 0;
}

/* The several forms of signal(2) differ in their flags only. */
static sighandler_t set(int number, sighandler_t handler, int flags)
{
	struct sigaction new = { .sa_handler = handler, .sa_flags = flags }, old;

	sigemptyset(&new.sa_mask);
	if (!(flags & SA_NODEFER) && number > 0 && number < NSIG)
		sigaddset(&new.sa_mask, number);
	return sigaction(number, &new, &old) ? SIG_ERR : old.sa_handler;
}

PUBLIC sighandler_t signal(int number, sighandler_t handler)
{
	return set(number, handler, SA_RESTART);
}

PUBLIC sighandler_t bsd_signal(int number, sighandler_t handler)
{
	return set(number, handler, SA_RESTART);
}

PUBLIC sighandler_t ssignal(int number, sighandler_t handler)
{
	return set(number, handler, SA_RESTART);
}

PUBLIC sighandler_t sysv_signal(int number, sighandler_t handler)
{
	return set(number, handler, SA_RESETHAND | SA_NODEFER);
}

PUBLIC sighandler_t __sysv_signal(int number, sighandler_t handler)
{
	return set(number, handler, SA_RESETHAND | SA_NODEFER);
}

static int mask(mask_function *function, int how, const sigset_t *new, sigset_t *old)
{
	sigset_t without;

	if (taken && new && how != SIG_UNBLOCK) {
		without = *new;
		sigdelset(&without, SIGILL);
		new = &without;
	}
	return function(how, new, old);
}

PUBLIC int pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
	static void *kept;

	return mask((mask_function *)next(&kept, "pthread_sigmask"), how, new, old);
}

PUBLIC int sigprocmask(int how, const sigset_t *new, sigset_t *old)
{
	static void *kept;

	return mask((mask_function *)next(&kept, "sigprocmask"), how, new, old);
}
