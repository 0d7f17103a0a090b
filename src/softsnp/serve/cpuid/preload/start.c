/* The constructor. It runs before any other (-z initfirst), even before libc has its environ. */
#define _GNU_SOURCE
#include "preload.h"

#include <stddef.h>
#include <string.h>

#define TABLE "SOFTSNP_CPUID_TABLE="
#define SITES "SOFTSNP_CPUID_SITES="

static const char *value_of(char **variables, const char *prefix)
{
	for (; *variables; variables++)
		if (!strncmp(*variables, prefix, strlen(prefix)))
			return *variables + strlen(prefix);
	return NULL;
}

/* Whatever is missing, the program runs unchanged. */
__attribute__((constructor)) static void start(int count, char **arguments, char **variables)
{
	const char *table = value_of(variables, TABLE), *sites = value_of(variables, SITES);

	(void)count;
	(void)arguments;
	if (!table || !sites || !answer_open(table) || !rewrite_open(sites))
		return;
	signals_take();
	rewrite_begin();
}
