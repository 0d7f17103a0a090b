/*
 * The guest's only process. It does on /sys what the host asks for on the second serial port, and
 * answers with the number that the system call left in errno, which no shell can be trusted with.
 *
 *   ask:    r PATH            answer:  ERRNO MILLISECONDS HEX
 *           w PATH HEX        (one open, one write() or read(), one close)
 *           c PATH HEX        (the same with O_CREAT, as a shell's redirection opens it)
 *           k SYMBOL          (its address, from /proc/kallsyms)
 *
 * Paths are relative to /sys/devices/system/cpu; what is written is in hex, "-" stands for nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void answer(FILE *host, int error, long took, const char *bytes, ssize_t length)
{
	fprintf(host, "%d %ld ", error, took);
	for (ssize_t i = 0; i < length; i++)
		fprintf(host, "%02x", (unsigned char)bytes[i]);
	fprintf(host, "%s\n", length > 0 ? "" : "-");
	fflush(host);
}

static void operate(FILE *host, char verb, const char *path, const char *hex)
{
	int flags = verb == 'r' ? O_RDONLY : verb == 'w' ? O_WRONLY : O_WRONLY | O_CREAT;
	char bytes[4096];
	size_t length = 0;
	unsigned int byte;
	ssize_t done = -1;
	int file, error;
	long start;

	while (sscanf(hex + 2 * length, "%2x", &byte) == 1)
		bytes[length++] = byte;
	start = milliseconds();
	file = open(path, flags, 0644);
	if (file >= 0)
		done = verb == 'r' ? read(file, bytes, sizeof(bytes)) : write(file, bytes, length);
	error = done < 0 ? errno : 0;
	answer(host, error, milliseconds() - start, bytes, verb == 'r' ? done : 0);
	if (file >= 0)
		close(file);
}

static void look_up(FILE *host, const char *symbol)
{
	FILE *all = fopen("/proc/kallsyms", "r");
	char line[512], address[32], name[256];

	while (all && fgets(line, sizeof(line), all)) {
		if (sscanf(line, "%31s %*c %255s", address, name) == 2 && !strcmp(name, symbol)) {
			answer(host, 0, 0, address, strlen(address));
			fclose(all);
			return;
		}
	}
	answer(host, ENOENT, 0, "", 0);
}

int main(void)
{
	struct termios raw;
	char line[1024], verb, path[256], hex[512];
	FILE *ask, *host;
	int port;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	port = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
	ask = fdopen(port, "r");
	host = fdopen(port, "w");
	if (!ask || !host || chdir("/sys/devices/system/cpu"))
		return 1; /* the kernel panics, and says so on its console */
	tcgetattr(port, &raw);
	cfmakeraw(&raw);
	tcsetattr(port, TCSANOW, &raw);
	answer(host, 0, 0, "ready", 5);
	while (fgets(line, sizeof(line), ask)) {
		strcpy(hex, "-");
		if (sscanf(line, "%c %255s %511s", &verb, path, hex) < 2)
			continue;
		if (verb == 'k')
			look_up(host, path);
		else
			operate(host, verb, path, hex);
	}
	return 1;
}
