//! Queues between the tasks of one thread:
//! [`asyncio.queues`](https://docs.python.org/3/library/asyncio-queue.html).
//!
//! The channels [`oneshot`], [`mpsc`], [`broadcast`] and [`watch`] are not Python's: they have ends,
//! each of which knows whether there is another.
//!
//! # Examples
//! ```
//! use asyncio::{Queue, create_task};
//! use std::rc::Rc;
//!
//! asyncio::run(async {
//!     let queue = Rc::new(Queue::new(2));
//!     let worker = create_task({
//!         let queue = queue.clone();
//!         async move {
//!             let mut seen = Vec::new();
//!             while let Ok(item) = queue.get().await {
//!                 seen.push(item);
//!                 queue.task_done().unwrap();
//!             }
//!             seen // it was shut down
//!         }
//!     });
//!     for item in ["a", "b", "c"] {
//!         queue.put(item).await.unwrap();
//!     }
//!     queue.join().await;
//!     queue.shutdown(false);
//!     assert_eq!(worker.await.unwrap(), ["a", "b", "c"]);
//! })?;
//! # Ok::<(), asyncio::RunError>(())
//! ```

pub use asyncio_sync::{
    BaseQueue, Fifo, GetNowaitError, Lifo, LifoQueue, Priority, PriorityQueue, PutNowaitError,
    Queue, QueueEmpty, QueueFull, QueueGet, QueuePut, QueueShutDown, Store, TaskDoneError,
    broadcast, mpsc, oneshot, watch,
};
