/*
 * CPUID answered from a table: what the library's parts have of each other.
 *
 * start.c    the constructor
 * answer.c   the table, and one CPUID's answer
 * rewrite.c  finds what is loaded, asks for its CPUID instructions, replaces them by UD2
 * signals.c  SIGILL, shared with the program
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PUBLIC __attribute__((visibility("default")))

/* The table, as layout.py writes it. Little endian, no padding. */
struct header {
	char magic[8];
	uint32_t version;
	uint32_t size; /* of all of it, in bytes */
	uint32_t entries;
	uint32_t cpus;
	uint32_t last_standard; /* leaves after these two are zeros, each in its half */
	uint32_t last_extended;
};

struct entry {
	uint32_t leaf;
	uint32_t subleaf; /* ANY_SUBLEAF: every one that has no entry before */
	uint32_t value[4]; /* EAX, EBX, ECX, EDX */
	uint32_t real[4]; /* bits that are as the real processor has them */
	uint32_t own; /* OWN_*: what depends on the CPU that asks */
};

struct cpu {
	uint32_t apic;
	uint32_t core;
	uint32_t node;
};

#define TABLE_MAGIC "SNPCPUID"
#define TABLE_VERSION 1u
#define ANY_SUBLEAF 0xFFFFFFFFu

enum {
	OWN_EAX_APIC = 1,
	OWN_EDX_APIC = 2,
	OWN_EBX_APIC = 4, /* in the highest byte */
	OWN_EBX_CORE = 8, /* in the lowest byte */
	OWN_ECX_NODE = 16, /* in the lowest byte */
};

enum { EAX, EBX, ECX, EDX };

/* False if the file is no table: then nothing is to be rewritten. */
bool answer_open(const char *path);
/* In: EAX and ECX. Out: all four. Safe in a signal handler. */
void answer(uint32_t registers[4]);

/* The directory that is asked. False: this program is to be left alone. */
bool rewrite_open(const char *directory);
/* Once SIGILL is ours. */
void rewrite_begin(void);
/* When the loader has stopped at the hook. */
void rewrite_loaded(void);
bool rewrite_is_site(uintptr_t address);
bool rewrite_is_hook(uintptr_t address);

/* From here on SIGILL is ours, and is passed on where it is the program's. */
void signals_take(void);
