"""Numbers only: MSRs, firmware commands, status codes, errno."""
