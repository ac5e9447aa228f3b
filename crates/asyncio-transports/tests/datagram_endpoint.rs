//! `DatagramEndpoint`: datagrams by `await`.

mod datagram_scene;

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use asyncio_executor::yield_now;
use asyncio_loop::{create_task, sleep};
use asyncio_testkit::Folder;
use asyncio_testkit::heap::{self, CountingAllocator};
use asyncio_transports::{DatagramEndpoint, open_datagram_endpoint};
use datagram_scene::{internet, nobody, peer, run_simulated};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

on_every_selector! {
    datagrams_are_answered,
    an_empty_datagram_is_data_n11,
    the_largest_datagram_arrives_n11,
    a_datagram_that_is_too_large_is_an_error_n11,
    a_truncated_datagram_says_so_n11,
    nobody_listening_is_an_error_that_passes_n11,
    an_address_of_another_family_is_an_error_n11,
    only_the_own_address_is_sent_to,
    a_cancelled_receive_loses_nothing,
    several_tasks_receive_each_their_own,
    unix_datagrams_know_names_and_none,
    a_send_waits_for_room_at_a_connected_receiver,
    a_flood_that_nobody_receives_takes_no_memory_d2,
    a_flood_lets_others_run,
    it_shows_its_addresses_as_people_write_them,
}

async fn bound() -> DatagramEndpoint {
    let builder = open_datagram_endpoint().local_addr(("127.0.0.1", 0));
    builder.await.unwrap()
}

async fn connected_to(endpoint: &DatagramEndpoint) -> DatagramEndpoint {
    let builder = open_datagram_endpoint().remote_addr(endpoint.local_addr().unwrap());
    builder.await.unwrap()
}

async fn datagrams_are_answered() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let mut buffer = [0; 64];
    for text in [&b"one"[..], b"two"] {
        client.send(text).await.unwrap();
        let received = server.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..received.len], text);
        let from = received.from.unwrap();
        assert_eq!(
            internet(Some(from.clone())),
            internet(client.local_addr().ok())
        );
        server.send_to(&buffer[..received.len], from).await.unwrap();
        let received = client.recv_from(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..received.len], text);
    }
}

async fn it_shows_its_addresses_as_people_write_them() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let [at, from] = [&server, &client].map(|it| internet(it.local_addr().ok()));
    let shown = format!("DatagramEndpoint {{ laddr: {at}, .. }}");
    assert_eq!(format!("{server:?}"), shown);
    let shown = format!("DatagramEndpoint {{ laddr: {from}, raddr: {at}, .. }}");
    assert_eq!(format!("{client:?}"), shown);
}

async fn an_empty_datagram_is_data_n11() {
    let server = bound().await;
    let client = connected_to(&server).await;
    client.send(b"").await.unwrap();
    client.send(b"after").await.unwrap();
    let mut buffer = [7; 8];
    let received = server.recv_from(&mut buffer).await.unwrap();
    assert_eq!((received.len, received.truncated), (0, false));
    assert!(received.from.is_some());
    assert_eq!(server.recv_from(&mut buffer).await.unwrap().len, 5);
}

async fn the_largest_datagram_arrives_n11() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let data: Vec<u8> = (0..65_507_u32).map(|n| n.to_le_bytes()[0]).collect();
    client.send(&data).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let received = server.recv_from(&mut buffer).await.unwrap();
    assert!(!received.truncated);
    assert_eq!(&buffer[..received.len], &data);
}

async fn a_datagram_that_is_too_large_is_an_error_n11() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let error = client.send(&[0; 65_508]).await.unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
    client.send(b"goes on").await.unwrap();
    assert_eq!(server.recv_from(&mut [0; 8]).await.unwrap().len, 7);
}

async fn a_truncated_datagram_says_so_n11() {
    let server = bound().await;
    let client = connected_to(&server).await;
    client.send(b"0123456789").await.unwrap();
    client.send(b"0123").await.unwrap();
    client.send(b"0123").await.unwrap();
    let mut buffer = [0; 4];
    let received = server.recv_from(&mut buffer).await.unwrap();
    assert_eq!((received.len, received.truncated), (4, true));
    assert!(received.from.is_some());
    assert_eq!(&buffer, b"0123");
    let received = server.recv_from(&mut buffer).await.unwrap();
    assert_eq!((received.len, received.truncated), (4, false));
    let received = server.recv_from(&mut []).await.unwrap();
    assert_eq!((received.len, received.truncated), (0, true));
}

async fn nobody_listening_is_an_error_that_passes_n11() {
    let builder = open_datagram_endpoint().remote_addr(nobody());
    let client = builder.await.unwrap();
    client.send(b"is anybody there").await.unwrap();
    let error = client.recv_from(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    // Not the end: the next send is taken, and refused again.
    client.send(b"still nobody").await.unwrap();
    let error = client.recv_from(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

async fn an_address_of_another_family_is_an_error_n11() {
    let server = bound().await;
    let six: std::net::SocketAddr = "[::1]:9".parse().unwrap();
    let error = server.send_to(b"x", six).await.unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
    let client = connected_to(&server).await;
    client.send(b"goes on").await.unwrap();
    assert_eq!(server.recv_from(&mut [0; 8]).await.unwrap().len, 7);
}

async fn only_the_own_address_is_sent_to() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let own = server.local_addr().unwrap();
    client.send_to(b"x", own.clone()).await.unwrap();
    client.try_send_to(b"x", Some(&own)).unwrap();
    let error = client.send_to(b"x", peer().1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let expected = format!("Invalid address: must be None or {}", internet(Some(own)));
    assert_eq!(error.to_string(), expected);
    let error = server.send(b"x").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

async fn a_cancelled_receive_loses_nothing() {
    let server = Rc::new(bound().await);
    let client = connected_to(&server).await;
    for round in 0..4 {
        let receiver = server.clone();
        let task = create_task(async move { receiver.recv_from(&mut [0; 8]).await });
        yield_now().await;
        // Whether it was woken for the datagram or not.
        client.send(b"kept").await.unwrap();
        for _ in 0..round {
            yield_now().await;
        }
        task.cancel();
        if task.await.is_err() {
            assert_eq!(server.try_recv_from(&mut [0; 8]).unwrap().len, 4);
        }
    }
}

async fn several_tasks_receive_each_their_own() {
    const TASKS: usize = 10;
    let server = Rc::new(bound().await);
    let client = connected_to(&server).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let server = server.clone();
            create_task(async move {
                let mut buffer = [0; 1];
                server.recv_from(&mut buffer).await.map(|_| buffer[0])
            })
        })
        .collect();
    yield_now().await;
    for n in 0..TASKS {
        client.send(&[u8::try_from(n).unwrap()]).await.unwrap();
    }
    let mut all = Vec::new();
    for task in tasks {
        all.push(usize::from(task.await.unwrap().unwrap()));
    }
    all.sort_unstable();
    assert_eq!(all, (0..TASKS).collect::<Vec<_>>());
}

async fn unix_datagrams_know_names_and_none() {
    let folder = Folder::new();
    let (here, there) = (folder.join("here"), folder.join("there"));
    let server = open_datagram_endpoint().local_addr(&*there).await.unwrap();
    let named = open_datagram_endpoint()
        .local_addr(&*here)
        .remote_addr(&*there)
        .await
        .unwrap();
    named.send(b"n").await.unwrap();
    let mut buffer = [0; 8];
    let from = server.recv_from(&mut buffer).await.unwrap().from.unwrap();
    assert_eq!(from.as_pathname(), Some(&*here));
    server.send_to(b"back", from).await.unwrap();
    assert_eq!(named.recv_from(&mut buffer).await.unwrap().len, 4);
    let unnamed = open_datagram_endpoint().remote_addr(&*there).await.unwrap();
    unnamed.send(b"u").await.unwrap();
    assert!(server.recv_from(&mut buffer).await.unwrap().from.is_none());
}

async fn a_send_waits_for_room_at_a_connected_receiver() {
    let (one, two) = UnixDatagram::pair().unwrap();
    let sender = Rc::new(open_datagram_endpoint().sock(one).await.unwrap());
    let receiver = open_datagram_endpoint().sock(two).await.unwrap();
    let mut queued = 0_u32;
    while sender.try_send_to(b"fills the queue", None).is_ok() {
        queued += 1;
    }
    let task = create_task({
        let sender = sender.clone();
        async move { sender.send(b"waits").await }
    });
    yield_now().await;
    assert!(!task.done());
    let mut buffer = [0; 32];
    for _ in 0..queued {
        assert_eq!(receiver.recv_from(&mut buffer).await.unwrap().len, 15);
    }
    task.await.unwrap().unwrap();
    assert_eq!(receiver.recv_from(&mut buffer).await.unwrap().len, 5);
}

async fn a_flood_that_nobody_receives_takes_no_memory_d2() {
    let server = bound().await;
    let client = connected_to(&server).await;
    client.send(b"first").await.unwrap();
    yield_now().await;
    let before = heap::live_bytes();
    for n in 0..20_000 {
        // Empty ones, too. The kernel drops what is too much.
        client.send(&[0; 400][..n % 2 * 400]).await.unwrap();
        if n % 1000 == 0 {
            yield_now().await;
        }
    }
    assert!(heap::live_bytes() <= before + 4096);
    assert_eq!(server.recv_from(&mut [0; 8]).await.unwrap().len, 5);
}

async fn a_flood_lets_others_run() {
    let server = bound().await;
    let client = connected_to(&server).await;
    let turns = Rc::new(Cell::new(0));
    let counting = create_task({
        let turns = turns.clone();
        async move {
            loop {
                turns.set(turns.get() + 1);
                yield_now().await;
            }
        }
    });
    yield_now().await;
    let before = turns.get();
    let mut buffer = [0; 8];
    for _ in 0..1000 {
        client.try_send_to(b"x", None).unwrap();
        // There always is one.
        server.recv_from(&mut buffer).await.unwrap();
    }
    let between = turns.get() - before;
    assert!((10..=20).contains(&between), "{between}");
    counting.cancel();
    assert!(counting.await.is_err());
}

/// The kernel does not tell an unconnected Unix socket when its receiver has room again.
#[test]
fn a_send_finds_room_that_nobody_tells_of() {
    let folder = Folder::new();
    let path = folder.join("receiver");
    let ((), waited) = run_simulated(async {
        let receiver = open_datagram_endpoint().local_addr(&*path).await.unwrap();
        let sender = open_datagram_endpoint()
            .local_addr(&*folder.join("sender"))
            .await
            .unwrap();
        let to = receiver.local_addr().unwrap();
        let mut queued = 0;
        while sender.try_send_to(b"x", Some(&to)).is_ok() {
            queued += 1;
        }
        let mut sending = Box::pin(sender.send_to(b"waits", to));
        let first = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_pending())).await;
        assert!(first);
        sleep(Duration::from_secs(1)).await;
        let mut buffer = [0; 8];
        for _ in 0..queued {
            receiver.recv_from(&mut buffer).await.unwrap();
        }
        sending.await.unwrap();
        assert_eq!(receiver.recv_from(&mut buffer).await.unwrap().len, 5);
    });
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}
