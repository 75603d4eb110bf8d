/* Writes down, in order, what a program does to the files of one folder: LD_PRELOAD for tests/store/test_power_cut.py.
 *
 * Record: u8 kind (1 write, 2 truncate, 3 sync, 4 unlink, 5 rename), u32 length of path, path, u64 offset or size,
 * u32 length of data, data (of a rename: the new path). Little-endian, as the machine is.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int log_fd = -1;
static const char *folder;

static int ours(const char *path) {
	if (log_fd < 0) {
		const char *name = getenv("JOURNAL_FILE");
		folder = getenv("JOURNAL_FOLDER");
		if (!name || !folder) return 0;
		log_fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	}
	return path && strncmp(path, folder, strlen(folder)) == 0 && !strstr(path, "-shm");
}

static const char *path_of(int fd) {
	static __thread char path[4096];
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n < 0) return NULL;
	path[n] = 0;
	return path;
}

static void note(uint8_t kind, const char *path, uint64_t at, const void *data, uint32_t size) {
	uint32_t length = (uint32_t)strlen(path);
	size_t whole = 1 + 4 + length + 8 + 4 + size;
	char *record = malloc(whole), *to = record;
	*to++ = (char)kind;
	memcpy(to, &length, 4), to += 4;
	memcpy(to, path, length), to += length;
	memcpy(to, &at, 8), to += 8;
	memcpy(to, &size, 4), to += 4;
	memcpy(to, data, size);
	syscall(SYS_write, log_fd, record, whole); /* one record, one write: whole even among threads */
	free(record);
}

#define REAL(name, ...) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
	const char *path = path_of(fd);
	if (ours(path)) note(1, path, (uint64_t)at, data, (uint32_t)size);
	return REAL(pwrite64)(fd, data, size, at);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) {
	const char *path = fd > 2 ? path_of(fd) : NULL;
	if (ours(path)) note(1, path, (uint64_t)lseek(fd, 0, SEEK_CUR), data, (uint32_t)size);
	return REAL(write)(fd, data, size);
}

int ftruncate64(int fd, off64_t size) {
	const char *path = path_of(fd);
	if (ours(path)) note(2, path, (uint64_t)size, "", 0);
	return REAL(ftruncate64)(fd, size);
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

int fsync(int fd) {
	const char *path = path_of(fd);
	int done = REAL(fsync)(fd);
	if (ours(path)) note(3, path, 0, "", 0);
	return done;
}
int fdatasync(int fd) {
	const char *path = path_of(fd);
	int done = REAL(fdatasync)(fd);
	if (ours(path)) note(3, path, 0, "", 0);
	return done;
}

int unlink(const char *path) {
	if (ours(path)) note(4, path, 0, "", 0);
	return REAL(unlink)(path);
}
