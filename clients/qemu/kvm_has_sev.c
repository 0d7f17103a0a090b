/* Preloaded into QEMU: KVM says that it has SEV, as it does on an SNP host and nowhere else.
 *
 * QEMU asks by KVM_MEMORY_ENCRYPT_OP without an argument, on a virtual machine's descriptor; that
 * is a real one, and no file can stand in for it. Every other ioctl is QEMU's own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stddef.h>

int ioctl(int descriptor, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, void *);
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if ((unsigned int)request == KVM_MEMORY_ENCRYPT_OP && argument == NULL) /* QEMU passes an int */
        return 0;
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    return next(descriptor, request, argument);
}
