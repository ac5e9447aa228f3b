//! Re-entrance: every call of the transport from every call of the protocol, and panics there.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use asyncio_loop::get_running_loop;
use asyncio_transports::{Flow, Transport};

use super::{Call, Kind, Log, Recorder, bytes, made};

/// What a protocol does from within one of its methods.
type Act = fn(&Rc<dyn Transport>);

const ACTS: [(&str, Act); 11] = [
    ("close", |transport| transport.close()),
    ("abort", |transport| transport.abort()),
    ("write", |transport| {
        let _ = transport.write(b"from within");
    }),
    ("write a lot", |transport| {
        let _ = transport.write(&bytes(1 << 20));
    }),
    ("write_eof", |transport| transport.write_eof()),
    ("pause_reading", |transport| transport.pause_reading()),
    ("pause and resume", |transport| {
        transport.pause_reading();
        transport.resume_reading();
    }),
    ("set limits", |transport| {
        transport.set_write_buffer_limits(Some(0), None).unwrap();
    }),
    ("try_read", |transport| {
        let _ = transport.try_read(&mut [0; 4]);
    }),
    ("set_protocol", |transport| {
        let protocol = transport.get_protocol();
        if let Some(protocol) = protocol {
            transport.set_protocol(protocol);
        }
    }),
    ("panic", |_| panic!("the protocol's")),
];

/// A call, whatever it brings.
fn kind_of(call: &Call) -> usize {
    match call {
        Call::Made => 0,
        Call::Data(_) => 1,
        Call::Readable => 2,
        Call::Eof => 3,
        Call::Pause => 4,
        Call::Resume => 5,
        Call::Lost(_) => 6,
    }
}

pub async fn every_call_may_be_made_from_every_callback_p2<K: Kind>() {
    let reported = Rc::new(Cell::new(0));
    let count = Rc::clone(&reported);
    get_running_loop().set_exception_handler(Some(Rc::new(move |_| count.set(count.get() + 1))));
    std::panic::set_hook(Box::new(|_| {})); // they are meant
    for place in [0, 1, 3, 4, 5, 6] {
        for (name, act) in ACTS {
            reported.set(0);
            let ran = one_call_from_one_callback::<K>(place, act).await;
            let context = format!("{name} in callback {place}");
            let panicked = name == "panic" && ran;
            assert_eq!(reported.get(), usize::from(panicked), "{context}");
        }
    }
    let _ = std::panic::take_hook();
}

/// Returns whether the callback came.
async fn one_call_from_one_callback<K: Kind>(place: usize, act: Act) -> bool {
    let (left, right) = (Log::new(), Log::new());
    let ran = Rc::new(Cell::new(false));
    let mark = Rc::clone(&ran);
    let acts = Recorder::new(&left).on_call(move |call, transport| {
        if kind_of(call) == place && !mark.replace(true) {
            act(transport);
        }
    });
    let (one, other) = K::pair(acts, Recorder::new(&right).keep_open()).await;
    right.until_call(Call::Made).await;
    left.until_call(Call::Made).await;
    // All of its methods have a reason to be called.
    other.pause_reading();
    let _ = one.write(&bytes(8 << 20));
    let _ = other.write(b"data");
    other.write_eof();
    other.resume_reading();
    right
        .until(|log| log.count() > 10 || log.has(&Call::Eof) || other.is_closing())
        .await;
    for _ in 0..50 {
        asyncio_executor::yield_now().await;
    }
    one.close();
    other.resume_reading();
    left.until_lost().await;
    other.close();
    right.until_lost().await;
    ran.get()
}

#[allow(clippy::await_holding_refcell_ref)] // that is what it is about
pub async fn a_protocol_that_is_borrowed_loses_its_connection<K: Kind>() {
    let reported = Rc::new(RefCell::new(Vec::new()));
    let list = Rc::clone(&reported);
    get_running_loop().set_exception_handler(Some(Rc::new(move |context| {
        list.borrow_mut().push(context.to_string());
    })));
    let (left, right) = (Log::new(), Log::new());
    let (one, other) = made::<K>(Recorder::new(&left), Recorder::new(&right)).await;
    let protocol = other.get_protocol().unwrap();
    let borrowed = protocol.borrow_mut();
    assert_eq!(one.write(b"x"), Flow::Open);
    while !other.is_closing() {
        asyncio_executor::yield_now().await;
    }
    drop(borrowed);
    assert!(right.until_lost().await.is_some());
    left.until_lost().await;
    assert_eq!(reported.borrow().len(), 1, "{reported:?}");
    assert!(reported.borrow()[0].contains("borrowed"), "{reported:?}");
}
