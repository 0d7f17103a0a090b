/*
 * What is loaded, and its CPUID instructions: asked for in a directory that mirrors the file
 * system, where the file of a program or library says which file is meant (inode, size, time)
 * and where its CPUID instructions are. Then CPUID, 0F A2, becomes UD2, 0F 0B: one byte, so that
 * a thread that runs it sees the one or the other.
 */
#define _GNU_SOURCE
#include "preload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096ul
#define ANSWER_SIZE (1u << 16)

/* An object that has been asked about. Never freed: an address in it may be executed any time. */
struct object {
	struct object *next;
	uintptr_t base;
	uint64_t name; /* hashed */
	size_t count;
	uintptr_t sites[]; /* rising */
};

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static const char *directory;
static struct object *objects;
static uintptr_t hook;
/* The loader's lock keeps a second thread out while these are used. */
static char path[PATH_MAX], question[2 * PATH_MAX], text[ANSWER_SIZE];

static void *memory(size_t size)
{
	void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return found == MAP_FAILED ? NULL : found;
}

static uint64_t hash(const char *name)
{
	uint64_t value = 0xCBF29CE484222325;

	while (*name)
		value = (value ^ (unsigned char)*name++) * 0x100000001B3;
	return value;
}

/* Replaces length bytes of code at once by new ones, if the old ones are there. */
static bool replace(uintptr_t address, const char *old, const char *new, size_t length, int rights)
{
	uintptr_t first = address & -PAGE, end = (address + length + PAGE - 1) & -PAGE;
	volatile char *at = (volatile char *)address;

	if (memcmp((const char *)address, old, length))
		return false;
	if (mprotect((void *)first, end - first, PROT_READ | PROT_WRITE | PROT_EXEC))
		return false;
	for (size_t i = 0; i < length; i++)
		if (at[i] != new[i])
			at[i] = new[i];
	mprotect((void *)first, end - first, rights);
	return true;
}

static void rewrite(const struct object *object, const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < object->count; i++)
		for (int k = 0; k < info->dlpi_phnum; k++) {
			const ElfW(Phdr) *segment = &info->dlpi_phdr[k];
			uintptr_t offset = object->sites[i] - object->base - segment->p_vaddr;

			if (segment->p_type == PT_LOAD && segment->p_flags & PF_X &&
			    segment->p_filesz >= 2 && offset <= segment->p_filesz - 2)
				replace(object->sites[i], "\x0F\xA2", "\x0F\x0B", 2,
					PROT_EXEC | (segment->p_flags & PF_R ? PROT_READ : 0) |
						(segment->p_flags & PF_W ? PROT_WRITE : 0));
		}
}

/* The next hexadecimal number of the text, or false at its end. */
static bool number(const char **at, uint64_t *value)
{
	bool any = false;

	while (**at == ' ' || **at == '\n')
		++*at;
	for (*value = 0;; ++*at, any = true) {
		char c = **at;
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return any;
		*value = *value << 4 | (unsigned)digit;
	}
}

/* Reads what the directory has for the path into the text. */
static bool ask(void)
{
	size_t length = 0;
	ssize_t got;
	int file;

	if ((size_t)snprintf(question, sizeof(question), "%s%s", directory, path) >= sizeof(question))
		return false;
	file = open(question, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	while (length < sizeof(text) - 1 &&
	       ((got = read(file, text + length, sizeof(text) - 1 - length)) > 0 ||
		(got < 0 && errno == EINTR)))
		length += got > 0 ? (size_t)got : 0;
	close(file);
	text[length] = 0;
	/* One that is too long for us, or was cut, is not used at all. */
	return length && length < sizeof(text) - 1 && text[length - 1] == '\n';
}

/* Whether the file that the answer is about is the one that is loaded here. */
static bool same_file(const char **at)
{
	uint64_t inode, size, time;
	struct stat status;

	return number(at, &inode) && number(at, &size) && number(at, &time) &&
	       !stat(path, &status) && inode == status.st_ino && size == (uint64_t)status.st_size &&
	       time == (uint64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
}

/* Leaves the path of a loaded object in path. */
static bool path_of(const char *name)
{
	size_t length = 0;

	if (!*name) { /* the program itself */
		ssize_t got = readlink("/proc/self/exe", path, sizeof(path) - 1);

		path[got > 0 ? got : 0] = 0;
		return got > 0;
	}
	if (!strchr(name, '/'))
		return false; /* the kernel's own, which has no file */
	if (*name != '/') {
		if (!getcwd(path, sizeof(path) - 1))
			return false;
		length = strlen(path);
		path[length++] = '/';
	}
	if (length + strlen(name) >= sizeof(path))
		return false;
	strcpy(path + length, name);
	return true;
}

/*
 * Whether the program itself is known. Of one that is not, nothing is rewritten, its libraries
 * neither: a program whose runtime takes SIGILL without asking libc must not meet one. The answer
 * about such a program has a dash instead of numbers.
 */
static bool program_known(void)
{
	const char *at = text;

	return path_of("") && ask() && same_file(&at) && !strchr(at, '-');
}

static struct object *look_up(uintptr_t base)
{
	const char *at = text, *first;
	size_t count = 0;
	uint64_t value;
	struct object *object;

	if (!ask() || !same_file(&at))
		at = "";
	for (first = at; number(&at, &value);)
		count++;
	object = memory(sizeof(*object) + count * sizeof(*object->sites));
	if (!object)
		return NULL;
	object->base = base;
	object->name = hash(path);
	for (at = first; number(&at, &value);)
		object->sites[object->count++] = base + value;
	object->next = objects;
	__atomic_store_n(&objects, object, __ATOMIC_RELEASE);
	return object;
}

/* The loader and libc have chosen their functions before us, and go on choosing by the real
 * processor. */
static bool left_alone(void)
{
	static const char *const beginnings[] = { "ld-linux", "libc.so.", "libc-2.", "ld-musl" };
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return true;
	return false;
}

static int each(struct dl_phdr_info *info, size_t size, void *unused)
{
	struct object *object;
	uint64_t name;

	(void)size;
	(void)unused;
	if (info->dlpi_addr == (uintptr_t)__ehdr_start || !path_of(info->dlpi_name) || left_alone())
		return 0;
	name = hash(path);
	for (object = objects; object; object = object->next)
		if (object->base == info->dlpi_addr && object->name == name)
			break;
	if (!object)
		object = look_up(info->dlpi_addr);
	if (object) /* known ones too: unloaded and loaded again, the code is fresh */
		rewrite(object, info);
	return 0;
}

/*
 * The loader calls an empty function, which it tells debuggers about, when libraries have been
 * mapped and none of their code has run. A UD2 in place of its RET and of a byte of the padding
 * after it brings us there, and dlopen keeps its caller, whose own search path it must see.
 */
static void watch_loader(void)
{
	const unsigned char *at = (const unsigned char *)_r_debug.r_brk;
	char old[2];

	if (!at)
		return;
	if (!memcmp(at, "\xF3\x0F\x1E\xFA", 4)) /* ENDBR64 */
		at += 4;
	memcpy(old, at, sizeof(old));
	/* RET, and then what no code begins with here: NOP in one of its lengths, INT3. */
	if (at[0] != 0xC3 || !memchr("\x90\x66\x0F\xCC\x2E", at[1], 5))
		return;
	hook = (uintptr_t)at;
	if (!replace(hook, old, "\x0F\x0B", 2, PROT_READ | PROT_EXEC))
		hook = 0;
}

bool rewrite_open(const char *name)
{
	static char kept[PATH_MAX];

	if (strlen(name) >= sizeof(kept))
		return false;
	strcpy(kept, name);
	directory = kept;
	return program_known();
}

void rewrite_begin(void)
{
	rewrite_loaded();
	watch_loader();
}

void rewrite_loaded(void)
{
	int before = errno;

	dl_iterate_phdr(each, NULL);
	errno = before;
}

bool rewrite_is_hook(uintptr_t address)
{
	return hook && address == hook;
}

bool rewrite_is_site(uintptr_t address)
{
	const struct object *object = __atomic_load_n(&objects, __ATOMIC_ACQUIRE);

	for (; object; object = object->next) {
		size_t low = 0, high = object->count;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (object->sites[middle] == address)
				return true;
			if (object->sites[middle] < address)
				low = middle + 1;
			else
				high = middle;
		}
	}
	return false;
}
