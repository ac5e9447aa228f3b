//! `getaddrinfo` and `getnameinfo`: what is answered at once, what is asked of the system, and
//! what becomes of the loop meanwhile.
//!
//! Nothing here leaves the machine: `localhost` is in the hosts file, and names that do not exist
//! are asked for with a flag that forbids name servers.

mod scene;

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::socket::{Domain, Protocol, Type};
use asyncio_loop::{
    AddrInfo, AddrInfoHints, GaiError, LoopRef, NameInfoFlags, Service, getaddrinfo, getnameinfo,
    to_thread,
};
use asyncio_testkit::Census;
use scene::guarded_with_threads;

fn run<T>(f: impl AsyncFnOnce(LoopRef) -> T) -> T {
    scene::run(&scene::real(), f)
}

fn addresses(found: &[AddrInfo]) -> Vec<SocketAddr> {
    found.iter().map(|info| info.address).collect()
}

/// N15: no thread is started for them.
#[test]
fn addresses_that_are_spelled_out_never_leave_the_loop_n15() {
    guarded_with_threads(|| {
        run(async |_| {
            let before = Census::take().threads();
            let stream = AddrInfoHints::new().socktype(Type::STREAM);
            for (host, service, expected) in [
                ("127.0.0.1", Service::Port(80), "127.0.0.1:80"),
                ("::1", Service::Port(443), "[::1]:443"),
                ("2001:db8::7", Service::Any, "[2001:db8::7]:0"),
                ("10.0.0.1", Service::Named("8080"), "10.0.0.1:8080"),
                ("10.0.0.1", Service::Named(""), "10.0.0.1:0"),
            ] {
                let found = getaddrinfo(host, service, stream).await.unwrap();
                assert_eq!(addresses(&found), [expected.parse().unwrap()]);
                assert_eq!(
                    (found[0].socktype, found[0].protocol),
                    (Type::STREAM, Some(Protocol::TCP))
                );
            }
            let numeric = NameInfoFlags::new()
                .numeric_host(true)
                .numeric_service(true);
            let names = getnameinfo("[::1]:80".parse().unwrap(), numeric)
                .await
                .unwrap();
            assert_eq!(names, ("::1".to_owned(), "80".to_owned()));
            assert_eq!(Census::take().threads(), before);
        });
    });
}

/// The answers of the loop are those of the system, in the same order.
#[test]
fn spelled_out_addresses_are_answered_as_the_system_does() {
    let of_system = |host: &str, hints: dns_lookup::AddrInfoHints| -> Vec<_> {
        let found = dns_lookup::getaddrinfo(Some(host), Some("80"), Some(hints)).unwrap();
        found
            .map(Result::unwrap)
            .map(|it| (it.address, it.socktype, it.protocol, it.sockaddr))
            .collect()
    };
    let socktypes = [None, Some(Type::STREAM), Some(Type::DGRAM), Some(Type::RAW)];
    let protocols = [None, Some(Protocol::TCP), Some(Protocol::UDP)];
    run(async |_| {
        for host in ["127.0.0.1", "::1", "::ffff:10.0.0.1"] {
            for (socktype, protocol) in socktypes
                .into_iter()
                .flat_map(|it| protocols.map(|p| (it, p)))
            {
                let mut hints = AddrInfoHints::new();
                hints = socktype.map_or(hints, |it| hints.socktype(it));
                hints = protocol.map_or(hints, |it| hints.protocol(it));
                let Ok(ours) = getaddrinfo(host, 80, hints).await else {
                    continue;
                };
                let raw = dns_lookup::AddrInfoHints {
                    socktype: socktype.map_or(0, i32::from),
                    protocol: protocol.map_or(0, i32::from),
                    ..Default::default()
                };
                let ours: Vec<_> = ours
                    .iter()
                    .map(|it| {
                        (
                            i32::from(it.family),
                            i32::from(it.socktype),
                            it.protocol.map_or(0, i32::from),
                            it.address,
                        )
                    })
                    .collect();
                assert_eq!(
                    ours,
                    of_system(host, raw),
                    "{host} {socktype:?} {protocol:?}"
                );
            }
        }
    });
}

#[test]
fn a_name_of_the_hosts_file_is_found() {
    guarded_with_threads(|| {
        run(async |_| {
            let hints = AddrInfoHints::new()
                .family(Domain::IPV4)
                .socktype(Type::STREAM);
            let found = getaddrinfo("localhost", 80, hints).await.unwrap();
            assert_eq!(addresses(&found), ["127.0.0.1:80".parse().unwrap()]);
            let hints = hints.canonical_name(true);
            let found = getaddrinfo("127.0.0.1", 80, hints).await.unwrap();
            assert_eq!(found[0].canonname.as_deref(), Some("127.0.0.1"));
        });
    });
}

#[test]
fn no_host_is_the_loopback_or_the_wildcard() {
    run(async |_| {
        let hints = AddrInfoHints::new()
            .family(Domain::IPV4)
            .socktype(Type::STREAM);
        let loopback = getaddrinfo(None, 80, hints).await.unwrap();
        assert_eq!(addresses(&loopback), ["127.0.0.1:80".parse().unwrap()]);
        let wildcard = getaddrinfo(None, 80, hints.passive(true)).await.unwrap();
        assert_eq!(addresses(&wildcard), ["0.0.0.0:80".parse().unwrap()]);
        let nothing = getaddrinfo(None, Service::Any, hints).await.unwrap_err();
        assert_eq!(nothing.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn what_is_not_found_is_an_error_with_the_resolvers_number() {
    run(async |_| {
        let hints = AddrInfoHints::new().numeric_host(true);
        let error = getaddrinfo("no address", 80, hints).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().starts_with("no address: "), "{error}");
        let gai = error
            .get_ref()
            .and_then(|it| it.downcast_ref::<GaiError>())
            .unwrap();
        assert_eq!((gai.code(), gai.is_temporary()), (libc::EAI_NONAME, false));

        let wrong_family = AddrInfoHints::new().family(Domain::IPV6);
        assert!(getaddrinfo("127.0.0.1", 80, wrong_family).await.is_err());
    });
}

#[test]
fn a_service_that_nobody_knows_is_named_beside_the_host() {
    run(async |_| {
        let hints = AddrInfoHints::new();
        for (host, told) in [(Some("127.0.0.1"), "127.0.0.1"), (None, "*")] {
            let error = getaddrinfo(host, "no-such", hints).await.unwrap_err();
            assert!(error.get_ref().unwrap().is::<GaiError>());
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("{told}, service no-such: ")),
                "{text}"
            );
        }
    });
}

#[test]
fn hosts_of_any_bytes_are_errors_and_no_panics() {
    run(async |_| {
        let hints = AddrInfoHints::new().numeric_host(true);
        let long = "a".repeat(100_000);
        for host in [
            "",
            "zero\0byte",
            "%",
            "fe80::1%",
            "1.2.3.4.5",
            "[::1]",
            "\u{fc}.example",
            &long,
        ] {
            assert!(getaddrinfo(host, 80, hints).await.is_err(), "{host:?}");
        }
        let zero = getaddrinfo("zero\0byte", 80, hints).await.unwrap_err();
        assert_eq!(zero.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn a_scoped_address_is_the_systems_business() {
    run(async |_| {
        let hints = AddrInfoHints::new()
            .socktype(Type::STREAM)
            .numeric_host(true);
        let found = getaddrinfo("fe80::1%1", 80, hints).await.unwrap();
        let scoped = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 1);
        assert_eq!(addresses(&found), [SocketAddr::V6(scoped)]);
        let numeric = NameInfoFlags::new()
            .numeric_host(true)
            .numeric_service(true);
        let (host, port) = getnameinfo(scoped.into(), numeric).await.unwrap();
        assert!(host.starts_with("fe80::1%") && port == "80", "{host}");
    });
}

#[test]
fn the_service_of_an_address_has_a_name() {
    run(async |_| {
        let flags = NameInfoFlags::new().numeric_host(true);
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
        let (host, service) = getnameinfo(address, flags).await.unwrap();
        assert_eq!(host, "::1");
        assert!(service == "http" || service == "80", "{service}");
    });
}

/// N15: look-ups have a pool of their own, of a few threads, and leave the default executor alone.
#[test]
fn a_thousand_look_ups_leave_other_work_alone_n15() {
    guarded_with_threads(|| {
        run(async |event_loop| {
            let hints = AddrInfoHints::new().family(Domain::IPV4);
            let before = Census::take().threads();
            let look_ups: Vec<_> = (0..1000)
                .map(|_| {
                    event_loop.create_task(async move { getaddrinfo("localhost", 80, hints).await })
                })
                .collect();
            yield_now().await;
            let after = Census::take().threads();
            assert!(after <= before + 8, "{} threads", after - before);
            let name = to_thread(|| std::thread::current().name().map(str::to_owned));
            assert_eq!(name.await.unwrap().as_deref(), Some("asyncio_0"));
            for look_up in look_ups {
                assert!(!look_up.await.unwrap().unwrap().is_empty());
            }
        });
    });
}

#[test]
fn a_look_up_that_is_cancelled_ends_at_once_n15() {
    run(async |event_loop| {
        let hints = AddrInfoHints::new();
        let look_ups: Vec<_> = (0..100)
            .map(|_| {
                event_loop.create_task(async move { getaddrinfo("localhost", 80, hints).await })
            })
            .collect();
        yield_now().await;
        let turns = event_loop.metrics().turns;
        look_ups.iter().for_each(|it| _ = it.cancel());
        for look_up in look_ups {
            // Answered before, or cancelled: never waited for.
            if let Err(error) = look_up.await {
                assert!(error.is_cancelled());
            }
        }
        assert!(event_loop.metrics().turns - turns < 5);
    });
}

/// A limit on every queue: what is too much is refused, and the rest is answered.
#[test]
fn more_look_ups_than_may_wait_are_refused() {
    guarded_with_threads(|| {
        run(async |event_loop| {
            let hints = AddrInfoHints::new().numeric_host(true).canonical_name(true);
            let look_ups: Vec<_> = (0..20_000)
                .map(|_| event_loop.create_task(async move { getaddrinfo("::1", 80, hints).await }))
                .collect();
            for look_up in look_ups {
                match look_up.await.unwrap() {
                    Ok(found) => assert_eq!(found[0].address.port(), 80),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::ResourceBusy, "{error}"),
                }
            }
            assert!(getaddrinfo("::1", 80, hints).await.is_ok());
        });
    });
}

#[test]
fn a_loop_may_close_with_look_ups_under_way() {
    guarded_with_threads(|| {
        let event_loop = scene::real();
        let hints = AddrInfoHints::new();
        for _ in 0..100 {
            event_loop
                .create_task(async move { getaddrinfo("localhost", 80, hints).await })
                .detach();
        }
        event_loop.run_once(Some(Duration::ZERO)).unwrap();
        event_loop.close();
        let mut after = std::pin::pin!(event_loop.getaddrinfo("::1", 80, hints));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(refused) = after.as_mut().poll(&mut cx) else {
            panic!("waits")
        };
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::NotConnected);
    });
}
