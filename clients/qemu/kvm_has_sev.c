/* Preloaded into QEMU: a KVM that has SEV and runs nothing, in place of whatever KVM is here.
 *
 * QEMU's capability query first asks KVM whether it has SEV, by KVM_MEMORY_ENCRYPT_OP without an
 * argument, on a virtual machine's descriptor. Only a kernel with SEV says yes, and no file can hand
 * out such a descriptor. So every ioctl of KVM but the version succeeds here and does nothing, which
 * is enough for a machine without CPUs. All others, those of /dev/sev too, are QEMU's own.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <sys/eventfd.h>

static int extension(long which)
{
    switch (which) {
    case KVM_CAP_NR_MEMSLOTS:
        return 512;
    case KVM_CAP_NR_VCPUS:
    case KVM_CAP_MAX_VCPUS:
        return 1024;
    case KVM_CAP_USER_MEMORY: /* without one of these, QEMU does not start */
    case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
    case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
    case KVM_CAP_EXT_CPUID:
    case KVM_CAP_SET_TSS_ADDR:
    case KVM_CAP_MP_STATE:
    case KVM_CAP_IRQ_ROUTING:
        return 1;
    default:
        return 0;
    }
}

int ioctl(int descriptor, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, void *);
    unsigned int number = request; /* QEMU passes an int, with its sign */
    va_list arguments;
    void *argument;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    if (_IOC_TYPE(number) == KVMIO && number != KVM_GET_API_VERSION) {
        if (number == KVM_CREATE_VM)
            return eventfd(0, EFD_CLOEXEC);
        return number == KVM_CHECK_EXTENSION ? extension((long)argument) : 0;
    }
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "ioctl");
    return next(descriptor, request, argument);
}
