"""The specification of a Linux SEV-SNP host: hardware, firmware, kernel, and who drives them."""
