/* The table, and one CPUID's answer. */
#define _GNU_SOURCE
#include "preload.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXTENDED 0x80000000u

static const struct header *table;
static const struct entry *entries;
static const struct cpu *cpus;

/* Mapped, not read: what the host changes later is seen at once. */
bool answer_open(const char *path)
{
	struct stat status;
	const struct header *found = MAP_FAILED;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return false;
	if (!fstat(file, &status) && status.st_size >= (off_t)sizeof(*found))
		found = mmap(NULL, status.st_size, PROT_READ, MAP_SHARED, file, 0);
	close(file);
	if (found == MAP_FAILED)
		return false;
	if (memcmp(found->magic, TABLE_MAGIC, sizeof(found->magic)) ||
	    found->version != TABLE_VERSION || found->size != status.st_size ||
	    !found->cpus || found->entries > found->size || found->cpus > found->size ||
	    found->size != sizeof(*found) + found->entries * sizeof(*entries) +
				   found->cpus * sizeof(*cpus)) {
		munmap((void *)found, status.st_size);
		return false;
	}
	entries = (const struct entry *)(found + 1);
	cpus = (const struct cpu *)(entries + found->entries);
	table = found;
	return true;
}

static void zeros(uint32_t registers[4])
{
	memset(registers, 0, 4 * sizeof(*registers));
}

/* A leaf that the real processor does not have is zeros too: Intel's answer with another leaf. */
static void real(uint32_t leaf, uint32_t subleaf, uint32_t registers[4])
{
	uint32_t last, unused[3];

	__cpuid(leaf & EXTENDED, last, unused[0], unused[1], unused[2]);
	zeros(registers);
	if (leaf <= last)
		__cpuid_count(leaf, subleaf, registers[EAX], registers[EBX], registers[ECX],
			      registers[EDX]);
}

static const struct entry *entry_of(uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < table->entries; i++)
		if (entries[i].leaf == leaf &&
		    (entries[i].subleaf == subleaf || entries[i].subleaf == ANY_SUBLEAF))
			return &entries[i];
	return NULL;
}

static void own(uint32_t which, uint32_t registers[4])
{
	int number = sched_getcpu();
	const struct cpu *cpu = &cpus[(number < 0 ? 0 : number) % table->cpus];

	if (which & OWN_EAX_APIC)
		registers[EAX] = cpu->apic;
	if (which & OWN_EDX_APIC)
		registers[EDX] = cpu->apic;
	if (which & OWN_EBX_APIC)
		registers[EBX] |= cpu->apic << 24;
	if (which & OWN_EBX_CORE)
		registers[EBX] |= cpu->core & 0xFF;
	if (which & OWN_ECX_NODE)
		registers[ECX] |= cpu->node & 0xFF;
}

void answer(uint32_t registers[4])
{
	uint32_t leaf = registers[EAX], subleaf = registers[ECX];
	const struct entry *entry;

	if (leaf > (leaf & EXTENDED ? table->last_extended : table->last_standard)) {
		zeros(registers);
		return;
	}
	entry = entry_of(leaf, subleaf);
	/* Where a hypervisor answers, the real one takes longer than all the rest. */
	if (!entry || entry->real[EAX] | entry->real[EBX] | entry->real[ECX] | entry->real[EDX])
		real(leaf, subleaf, registers);
	if (!entry)
		return;
	for (int i = 0; i < 4; i++)
		registers[i] = entry->value[i] | (registers[i] & entry->real[i]);
	/* The topology leaf repeats the subleaf that was asked for in ECX[7:0]. */
	if (leaf == 0xB)
		registers[ECX] |= subleaf & 0xFF;
	if (entry->own)
		own(entry->own, registers);
}
