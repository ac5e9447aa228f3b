//! Which types may cross threads (J2): none that somebody could wait for.

use std::rc::Rc;

use asyncio_sync::{
    AlreadyBorrowsError, AnyLockGuard, AnyRwLockReadGuard, AnyRwLockWriteGuard, AnySemaphorePermit,
    Barrier, BarrierWait, BorrowedToken, BoundedSemaphore, BrokenBarrierError, CapacityLimiter,
    Condition, ConditionWait, ConditionWaitForgotten, Event, EventWait, GetNowaitError, LifoQueue,
    Lock, LockAcquire, NotAcquiredError, Notified, Notify, OnceCell, OwnedSemaphorePermit,
    PriorityQueue, PutNowaitError, Queue, QueueEmpty, QueueFull, QueueGet, QueuePut, QueueShutDown,
    RwLock, RwLockRead, RwLockWrite, Semaphore, SemaphoreAcquire, SemaphoreClosed, TaskDoneError,
    TooManyPermitsError, TryAcquireError, TryBorrowError, TryLockError, broadcast, mpsc, oneshot,
    watch,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

#[test]
fn what_belongs_to_a_thread_stays_there_h7_j2() {
    assert_not_impl_any!(Lock<u32>: Send, Sync);
    assert_not_impl_any!(AnyLockGuard<&'static Lock<u32>>: Send, Sync);
    assert_not_impl_any!(AnyLockGuard<Rc<Lock<u32>>>: Send, Sync);
    assert_not_impl_any!(LockAcquire<&'static Lock<u32>>: Send, Sync);
    assert_not_impl_any!(Event: Send, Sync);
    assert_not_impl_any!(EventWait<'static>: Send, Sync);
    assert_not_impl_any!(Condition<u32>: Send, Sync);
    assert_not_impl_any!(ConditionWait<'static, Rc<Lock<u32>>>: Send, Sync);
    assert_not_impl_any!(ConditionWaitForgotten<'static, u32>: Send, Sync);
    assert_not_impl_any!(Semaphore: Send, Sync);
    assert_not_impl_any!(BoundedSemaphore: Send, Sync);
    assert_not_impl_any!(AnySemaphorePermit<&'static Semaphore>: Send, Sync);
    assert_not_impl_any!(OwnedSemaphorePermit: Send, Sync);
    assert_not_impl_any!(SemaphoreAcquire<&'static Semaphore>: Send, Sync);
    assert_not_impl_any!(Barrier: Send, Sync);
    assert_not_impl_any!(BarrierWait<'static>: Send, Sync);
    assert_not_impl_any!(Queue<u32>: Send, Sync);
    assert_not_impl_any!(LifoQueue<u32>: Send, Sync);
    assert_not_impl_any!(PriorityQueue<u32>: Send, Sync);
    assert_not_impl_any!(QueueGet<'static, u32, asyncio_sync::Fifo<u32>>: Send, Sync);
    assert_not_impl_any!(RwLock<u32>: Send, Sync);
    assert_not_impl_any!(AnyRwLockReadGuard<&'static RwLock<u32>>: Send, Sync);
    assert_not_impl_any!(AnyRwLockWriteGuard<Rc<RwLock<u32>>>: Send, Sync);
    assert_not_impl_any!(RwLockRead<&'static RwLock<u32>>: Send, Sync);
    assert_not_impl_any!(RwLockWrite<&'static RwLock<u32>>: Send, Sync);
    assert_not_impl_any!(Notify: Send, Sync);
    assert_not_impl_any!(Notified<'static>: Send, Sync);
    assert_not_impl_any!(OnceCell<u32>: Send, Sync);
    assert_not_impl_any!(CapacityLimiter: Send, Sync);
    assert_not_impl_any!(BorrowedToken<'static>: Send, Sync);
    assert_not_impl_any!(QueuePut<'static, u32, asyncio_sync::Fifo<u32>>: Send, Sync);
}

#[test]
fn ends_of_channels_stay_with_their_thread_j2() {
    assert_not_impl_any!(oneshot::Sender<u32>: Send, Sync);
    assert_not_impl_any!(oneshot::Receiver<u32>: Send, Sync);
    assert_not_impl_any!(mpsc::Sender<u32>: Send, Sync);
    assert_not_impl_any!(mpsc::UnboundedSender<u32>: Send, Sync);
    assert_not_impl_any!(mpsc::Receiver<u32>: Send, Sync);
    assert_not_impl_any!(mpsc::Permit<'static, u32>: Send, Sync);
    assert_not_impl_any!(broadcast::Sender<u32>: Send, Sync);
    assert_not_impl_any!(broadcast::Receiver<u32>: Send, Sync);
    assert_not_impl_any!(broadcast::Recv<'static, u32>: Send, Sync);
    assert_not_impl_any!(watch::Sender<u32>: Send, Sync);
    assert_not_impl_any!(watch::Receiver<u32>: Send, Sync);
}

#[test]
fn errors_go_anywhere_j2() {
    assert_impl_all!(NotAcquiredError: Send, Sync, std::error::Error);
    assert_impl_all!(TooManyPermitsError: Send, Sync, std::error::Error);
    assert_impl_all!(SemaphoreClosed: Send, Sync, std::error::Error);
    assert_impl_all!(BrokenBarrierError: Send, Sync, std::error::Error);
    assert_impl_all!(TaskDoneError: Send, Sync, std::error::Error);
    assert_impl_all!(QueueFull<u32>: Send, Sync, std::error::Error);
    assert_impl_all!(QueueEmpty: Send, Sync, std::error::Error);
    assert_impl_all!(QueueShutDown: Send, Sync, std::error::Error);
    assert_impl_all!(PutNowaitError<u32>: Send, Sync, std::error::Error);
    assert_impl_all!(GetNowaitError: Send, Sync, std::error::Error);
    assert_impl_all!(AlreadyBorrowsError: Send, Sync, std::error::Error);
    assert_impl_all!(TryAcquireError: Send, Sync, std::error::Error);
    assert_impl_all!(TryBorrowError: Send, Sync, std::error::Error);
    assert_impl_all!(TryLockError: Send, Sync, std::error::Error);
    assert_impl_all!(oneshot::RecvError: Send, Sync, std::error::Error);
    assert_impl_all!(oneshot::TryRecvError: Send, Sync, std::error::Error);
    assert_impl_all!(mpsc::SendError<u32>: Send, Sync, std::error::Error);
    assert_impl_all!(mpsc::TrySendError<u32>: Send, Sync, std::error::Error);
    assert_impl_all!(broadcast::RecvError: Send, Sync, std::error::Error);
    assert_impl_all!(broadcast::TryRecvError: Send, Sync, std::error::Error);
}
