"""The virtual host: devices and files, on FUSE, of a specification that is driven live."""
