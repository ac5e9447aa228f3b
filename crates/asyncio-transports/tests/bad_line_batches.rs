//! A bad line for datagrams that are sent and received many at a time: what comes is what was sent,
//! each as a whole.
#![cfg(all(target_os = "linux", feature = "udp-batch"))]

mod net;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use asyncio_loop::sleep;
use asyncio_testkit::{End, Link, Weather};
use asyncio_transports::{DatagramProtocol, create_datagram_endpoint, open_datagram_endpoint};
use net::run;
use socket2::SockAddr;

const SERVER: &str = "10.98.0.2:7000";
const DATAGRAMS: u32 = 600;
/// Sent by one call.
const TOGETHER: usize = 20;
/// Less than one of the line's packets may have.
const BYTES: usize = 700;

/// One that is told from all others, also when it is cut or put together.
fn datagram(number: u32) -> Vec<u8> {
    number.to_be_bytes().repeat(BYTES / 4)
}

/// How often each has come, and what else did.
#[derive(Clone, Default)]
struct Came(Rc<RefCell<(BTreeMap<u32, u32>, usize)>>);

impl Came {
    fn missing(&self) -> Vec<u32> {
        let came = &self.0.borrow().0;
        (0..DATAGRAMS).filter(|it| !came.contains_key(it)).collect()
    }
}

impl DatagramProtocol for Came {
    fn datagram_received(&mut self, data: &[u8], _: &SockAddr) {
        let mut came = self.0.borrow_mut();
        let number = data.first_chunk().map(|it| u32::from_be_bytes(*it));
        match number.filter(|it| datagram(*it) == data) {
            Some(number) => *came.0.entry(number).or_default() += 1,
            None => came.1 += 1,
        }
    }
}

#[test]
fn batches_on_a_bad_line_come_as_whole_datagrams_or_not_at_all_n11() {
    let Some(link) = Link::new(15) else { return };
    link.on(End::Left, || {
        run(async |_| {
            let came = Came::default();
            let server: SocketAddr = SERVER.parse().unwrap();
            link.enter(End::Right);
            let protocol = came.clone();
            let receiving = create_datagram_endpoint(|| protocol).local_addr(server);
            let _receiving = receiving.batch(true).await.unwrap();
            link.enter(End::Left);
            let sending = open_datagram_endpoint().remote_addr(server);
            let sending = sending.batch(true).await.unwrap();
            link.weather(Weather {
                delay: Duration::from_millis(5),
                jitter: Duration::from_millis(4),
                loss: 0.15,
                duplicates: 0.15,
                damage: 0.15,
            });
            let mut rounds = 0;
            loop {
                let missing = came.missing();
                if missing.is_empty() {
                    break;
                }
                rounds += 1;
                for numbers in missing.chunks(TOGETHER) {
                    let bytes: Vec<u8> = numbers.iter().flat_map(|it| datagram(*it)).collect();
                    sending.send_segments(&bytes, BYTES, None).await.unwrap();
                    // The line takes its time.
                    sleep(Duration::from_millis(1)).await;
                }
                sleep(Duration::from_millis(20)).await;
            }
            let (datagrams, others) = &*came.0.borrow();
            assert!(rounds > 1, "nothing was lost");
            assert!(
                datagrams.values().any(|times| *times > 1),
                "none came twice"
            );
            assert_eq!(*others, 0, "nobody has sent those");
        });
    });
    let traffic = link.end();
    assert!(traffic.lost > 0 && traffic.damaged > 0, "{traffic:?}");
    assert!(
        traffic.duplicated > 0 && traffic.overtaken > 0,
        "{traffic:?}"
    );
}
