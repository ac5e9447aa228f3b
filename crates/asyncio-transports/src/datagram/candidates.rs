//! Which sockets to try: the local and the remote addresses, joined by family and protocol. Pure.

use std::io;

use asyncio_loop::AddrInfo;
use asyncio_loop::socket::{Domain, Protocol, SockAddr};

/// A socket to try.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) family: Domain,
    pub(super) protocol: Option<Protocol>,
    pub(super) local: Option<SockAddr>,
    pub(super) remote: Option<SockAddr>,
}

/// One address that an argument stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) family: Domain,
    pub(super) protocol: Option<Protocol>,
    pub(super) address: SockAddr,
}

impl From<AddrInfo> for Found {
    fn from(info: AddrInfo) -> Self {
        Self {
            family: info.family,
            protocol: info.protocol,
            address: info.address.into(),
        }
    }
}

/// Joins what the two arguments stand for (`None`: not given), in the order in which the families
/// come. Of several addresses of one family the first is taken, which is the one that the system
/// prefers. (asyncio takes the last.)
///
/// # Errors
/// No family and protocol has an address for each argument that was given: asyncio's message.
pub(super) fn join(
    local: Option<Vec<Found>>,
    remote: Option<Vec<Found>>,
) -> io::Result<Vec<Candidate>> {
    let (has_local, has_remote) = (local.is_some(), remote.is_some());
    let mut candidates: Vec<Candidate> = Vec::new();
    let local = local.into_iter().flatten().map(|found| (found, true));
    let remote = remote.into_iter().flatten().map(|found| (found, false));
    for (found, is_local) in local.chain(remote) {
        let Found {
            family,
            protocol,
            address,
        } = found;
        let known = candidates
            .iter()
            .position(|it| (it.family, it.protocol) == (family, protocol));
        let index = known.unwrap_or_else(|| {
            candidates.push(Candidate {
                family,
                protocol,
                local: None,
                remote: None,
            });
            candidates.len() - 1
        });
        let candidate = &mut candidates[index];
        let place = if is_local {
            &mut candidate.local
        } else {
            &mut candidate.remote
        };
        place.get_or_insert(address);
    }
    candidates.retain(|it| it.local.is_some() == has_local && it.remote.is_some() == has_remote);
    if candidates.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "can not get address information",
        ));
    }
    Ok(candidates)
}
