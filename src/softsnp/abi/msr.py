"""Model-specific registers (AMD64 Architecture Programmer's Manual, volume 2)."""

SYSCFG = 0xC0010010
SYSCFG_MFDM = 1 << 19
SYSCFG_SNP_EN = 1 << 24
SYSCFG_VMPL_EN = 1 << 25
VM_HSAVE_PA = 0xC0010117
