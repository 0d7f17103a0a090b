"""/proc/cpuinfo: a paragraph for each CPU that is online."""

from __future__ import annotations

from softsnp.serve.generations import Generation
from softsnp.serve.vfs import File, Text
from softsnp.serve.view import HostView

from .msr import mhz
from .places import Places, each

FLAGS = (
    "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse "
    "sse2 ht syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm constant_tsc rep_good nopl nonstop_tsc "
    "cpuid extd_apicid aperfmperf rapl pni pclmulqdq monitor ssse3 fma cx16 pcid sse4_1 sse4_2 "
    "x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm cmp_legacy svm extapic cr8_legacy abm "
    "sse4a misalignsse 3dnowprefetch osvw ibs skinit wdt tce topoext perfctr_core perfctr_nb "
    "bpext perfctr_llc mwaitx cpb cat_l3 cdp_l3 hw_pstate ssbd mba ibrs ibpb stibp vmmcall "
    "fsgsbase bmi1 avx2 smep bmi2 invpcid cqm rdt_a rdseed adx smap clflushopt clwb sha_ni "
    "xsaveopt xsavec xgetbv1 xsaves cqm_llc cqm_occup_llc cqm_mbm_total cqm_mbm_local clzero "
    "irperf xsaveerptr rdpru wbnoinvd amd_ppin arat npt lbrv svm_lock nrip_save tsc_scale "
    "vmcb_clean flushbyasid decodeassists pausefilter pfthreshold avic v_vmsave_vmload vgif "
    "v_spec_ctrl umip pku ospke vaes vpclmulqdq rdpid overflow_recov succor smca sme sev sev_es "
    "sev_snp debug_swap"
)
LATER_FLAGS = (
    "avx512f avx512dq avx512ifma avx512cd avx512bw avx512vl avx512_bf16 avx512vbmi avx512_vbmi2 "
    "gfni avx512_vnni avx512_bitalg avx512_vpopcntdq la57 fsrm flush_l1d x2avic ibrs_enhanced"
)
"""From Genoa on."""
BUGS = "sysret_ss_attrs spectre_v1 spectre_v2 spec_store_bypass srso vmscape"


def _end(generation: Generation) -> str:
    """What all CPUs have in common, after the numbers of each."""
    genoa_or_later = generation.name != "milan"
    flags = f"{FLAGS} {LATER_FLAGS}" if genoa_or_later else FLAGS
    sizes = "52 bits physical, 57 bits" if genoa_or_later else "48 bits physical, 48 bits"
    return (
        "fpu\t\t: yes\n"
        "fpu_exception\t: yes\n"
        "cpuid level\t: 16\n"
        "wp\t\t: yes\n"
        f"flags\t\t: {flags}\n"
        f"bugs\t\t: {BUGS}\n"
        f"bogomips\t: {2 * mhz(generation)}.00\n"
        f"TLB size\t: {3584 if genoa_or_later else 2560} 4K pages\n"
        "clflush size\t: 64\n"
        "cache_alignment\t: 64\n"
        f"address sizes\t: {sizes} virtual\n"
        "power management: ts ttp tm hwpstate cpb eff_freq_ro [13] [14]\n"
        "\n"
    )


def cpuinfo(host: HostView, places: Places) -> File:
    generation = host.generation
    begin = (
        "vendor_id\t: AuthenticAMD\n"
        f"cpu family\t: {generation.family}\n"
        f"model\t\t: {generation.model}\n"
        f"model name\t: {generation.brand}\n"
        f"stepping\t: {generation.stepping}\n"
        f"microcode\t: 0x{generation.microcode:x}\n"
        f"cpu MHz\t\t: {mhz(generation)}.000\n"
        f"cache size\t: {generation.l2} KB\n"
    )
    end = _end(generation)

    def show() -> str:
        online = places.online(places.all)
        siblings = [
            (online & places.of_socket(socket)).bit_count() for socket in range(places.sockets)
        ]
        return "".join(
            f"processor\t: {cpu}\n{begin}"
            f"physical id\t: {places.socket(cpu)}\n"
            f"siblings\t: {siblings[places.socket(cpu)]}\n"
            f"core id\t\t: {places.core_in_socket(cpu)}\n"
            f"cpu cores\t: {places.cores_per_socket}\n"
            f"apicid\t\t: {places.apic(cpu)}\n"
            f"initial apicid\t: {places.apic(cpu)}\n{end}"
            for cpu in each(online)
        )

    text = Text(show)
    text.size = 0
    return text
