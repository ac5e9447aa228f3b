//! The numbers of the flags of `getaddrinfo` and `getnameinfo`.

#[cfg(unix)]
pub(super) use libc::{
    AI_ADDRCONFIG, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_PASSIVE, NI_DGRAM, NI_NAMEREQD,
    NI_NOFQDN, NI_NUMERICHOST, NI_NUMERICSERV,
};
#[cfg(all(unix, not(any(target_os = "netbsd", target_os = "openbsd"))))]
pub(super) use libc::{AI_ALL, AI_V4MAPPED};

/// These systems map no addresses.
#[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
pub(super) const AI_ALL: i32 = 0;
#[cfg(any(target_os = "netbsd", target_os = "openbsd"))]
pub(super) const AI_V4MAPPED: i32 = 0;

#[cfg(windows)]
pub(super) use windows::*;

/// `ws2def.h` and `ws2tcpip.h`.
#[cfg(windows)]
mod windows {
    pub(in super::super) const AI_PASSIVE: i32 = 0x1;
    pub(in super::super) const AI_CANONNAME: i32 = 0x2;
    pub(in super::super) const AI_NUMERICHOST: i32 = 0x4;
    pub(in super::super) const AI_NUMERICSERV: i32 = 0x8;
    pub(in super::super) const AI_ALL: i32 = 0x100;
    pub(in super::super) const AI_ADDRCONFIG: i32 = 0x400;
    pub(in super::super) const AI_V4MAPPED: i32 = 0x800;
    pub(in super::super) const NI_NOFQDN: i32 = 0x1;
    pub(in super::super) const NI_NUMERICHOST: i32 = 0x2;
    pub(in super::super) const NI_NAMEREQD: i32 = 0x4;
    pub(in super::super) const NI_NUMERICSERV: i32 = 0x8;
    pub(in super::super) const NI_DGRAM: i32 = 0x10;
}
