//! Python's names, and what they are here. A row says one of
//!
//! * `is { path }`: an item; compiled as a `use` of it;
//! * `method { Type::name, call }`: a method; compiled as a call of it that never runs;
//! * `comes { "crate" }`: not yet, it comes with that crate;
//! * `not { "reason" }`: there is none, and there will be none.
//!
//! A note in a string may follow.
//!
//! Then what asyncio has not, and users of Rust or trio look for.

use super::{beyond, names};
use asyncio::events::{ErrorContext, LoopHandle, TaskFactory};
use asyncio::futures::Future;
use asyncio::tasks::TaskBuilder;
use asyncio::{EventLoop, Handle, LoopRef, Runner, Task, Timeout, TimerHandle};


names! {
    "runners": "asyncio-runner.html" {
        "run": is { asyncio::run } "`debug` and `loop_factory` are methods of `Runner::builder()`";
        "Runner": is { asyncio::Runner };
        "Runner.run": method { Runner::run, |it: &Runner| drop(it.run(async {})) };
        "Runner.get_loop": method { Runner::get_loop, |it: &Runner| drop(it.get_loop()) };
        "Runner.close": method { Runner::close, |it: Runner| drop(it.close()) };
    }
    "events: access": "asyncio-eventloop.html" {
        "get_running_loop": is { asyncio::get_running_loop };
        "_get_running_loop": is { asyncio::try_running_loop };
        "get_event_loop": is { asyncio::get_running_loop } "none is made on the way, as in Python 3.14";
        "new_event_loop": method { EventLoop::new, || drop(EventLoop::new()) };
        "set_event_loop": not { "a loop is passed on, or it is the running one; nothing is set for a thread" };
        "_set_running_loop": not { "a loop sets itself when it runs" };
        "get_event_loop_policy": not { "deprecated since Python 3.14; a `Runner` takes a loop factory" };
        "set_event_loop_policy": not { "deprecated since Python 3.14; a `Runner` takes a loop factory" };
        "AbstractEventLoopPolicy": not { "deprecated since Python 3.14" };
        "DefaultEventLoopPolicy": not { "deprecated since Python 3.14" };
        "get_child_watcher": not { "removed in Python 3.14" };
        "set_child_watcher": not { "removed in Python 3.14" };
        "AbstractChildWatcher": not { "removed in Python 3.14" };
        "FastChildWatcher": not { "removed in Python 3.14" };
        "MultiLoopChildWatcher": not { "removed in Python 3.14" };
        "PidfdChildWatcher": not { "removed in Python 3.14" };
        "SafeChildWatcher": not { "removed in Python 3.14" };
        "ThreadedChildWatcher": not { "removed in Python 3.14" };
    }
    "events: the loop": "asyncio-eventloop.html#event-loop-methods" {
        "EventLoop": is { asyncio::EventLoop } "owns and runs a loop; the other methods are those of `LoopRef`, its handle";
        "SelectorEventLoop": is { asyncio::EventLoop } "the selector is the builder's: `EventLoop::builder().selector_kind(..)`";
        "BaseEventLoop": not { "there is one event loop; selectors and clocks are exchangeable below it" };
        "AbstractEventLoop": not { "there is one event loop; selectors and clocks are exchangeable below it" };
        "loop.run_forever": method { EventLoop::run_forever, |it: &EventLoop| drop(it.run_forever()) };
        "loop.run_until_complete": method { EventLoop::run_until_complete, |it: &EventLoop| drop(it.run_until_complete(async {})) };
        "loop.stop": method { LoopRef::stop, |it: &LoopRef| it.stop() };
        "loop.close": method { EventLoop::close, |it: &EventLoop| it.close() };
        "loop.is_running": method { LoopRef::is_running, |it: &LoopRef| it.is_running() };
        "loop.is_closed": method { LoopRef::is_closed, |it: &LoopRef| it.is_closed() };
        "loop.call_soon": method { LoopRef::call_soon, |it: &LoopRef| drop(it.call_soon(|| ())) };
        "loop.call_soon_threadsafe": method { LoopHandle::call_soon_threadsafe, |it: &LoopHandle| drop(it.call_soon_threadsafe(|| ())) } "of `LoopRef::handle()`, which may cross threads";
        "loop.call_later": method { LoopRef::call_later, |it: &LoopRef| drop(it.call_later(std::time::Duration::ZERO, || ())) };
        "loop.call_at": method { LoopRef::call_at, |it: &LoopRef| drop(it.call_at(it.time(), || ())) };
        "loop.time": method { LoopRef::time, |it: &LoopRef| it.time() };
        "loop.create_future": is { asyncio::futures::create_future } "before the loop runs: `Future::new_on`";
        "loop.create_task": method { LoopRef::create_task, |it: &LoopRef| drop(it.create_task(async {})) } "with a name, a context or eager start: `LoopRef::build_task`";
        "loop.set_task_factory": method { LoopRef::set_task_factory, |it: &LoopRef, to: TaskFactory| drop(it.set_task_factory(Some(to))) };
        "loop.get_task_factory": method { LoopRef::get_task_factory, |it: &LoopRef| drop(it.get_task_factory()) };
        "loop.add_reader": method { LoopRef::add_reader, |it: &LoopRef, of: std::io::PipeReader| drop(it.add_reader(of, || ())) };
        "loop.remove_reader": method { LoopRef::remove_reader, |it: &LoopRef, of: std::io::PipeReader| it.remove_reader(&of) };
        "loop.add_writer": method { LoopRef::add_writer, |it: &LoopRef, of: std::io::PipeWriter| drop(it.add_writer(of, || ())) };
        "loop.remove_writer": method { LoopRef::remove_writer, |it: &LoopRef, of: std::io::PipeWriter| it.remove_writer(&of) };
        "loop.sock_recv": is { asyncio::sock_recv };
        "loop.sock_recv_into": is { asyncio::sock_recv_into };
        "loop.sock_recvfrom": is { asyncio::sock_recvfrom };
        "loop.sock_recvfrom_into": is { asyncio::sock_recvfrom_into };
        "loop.sock_sendall": is { asyncio::sock_sendall };
        "loop.sock_sendto": is { asyncio::sock_sendto };
        "loop.sock_connect": is { asyncio::sock_connect };
        "loop.sock_accept": is { asyncio::sock_accept };
        "loop.sock_sendfile": is { asyncio::sock_sendfile };
        "loop.getaddrinfo": is { asyncio::getaddrinfo };
        "loop.getnameinfo": is { asyncio::getnameinfo };
        "loop.run_in_executor": method { LoopRef::run_in_executor, |it: &LoopRef| drop(it.run_in_executor(None, || ())) };
        "loop.set_default_executor": method { LoopRef::set_default_executor, |it: &LoopRef| it.set_default_executor(asyncio::ThreadPoolExecutor::new()) };
        "loop.shutdown_default_executor": method { LoopRef::shutdown_default_executor, |it: &LoopRef| drop(it.shutdown_default_executor(None)) };
        "loop.shutdown_asyncgens": not { "Rust has no asynchronous generators; a stream is dropped" };
        "loop.set_exception_handler": method { LoopRef::set_exception_handler, |it: &LoopRef| drop(it.set_exception_handler(None)) };
        "loop.get_exception_handler": method { LoopRef::get_exception_handler, |it: &LoopRef| drop(it.get_exception_handler()) };
        "loop.default_exception_handler": method { LoopRef::default_exception_handler, |it: &LoopRef, of: &ErrorContext<'_>| it.default_exception_handler(of) };
        "loop.call_exception_handler": method { LoopRef::call_exception_handler, |it: &LoopRef, of: &ErrorContext<'_>| it.call_exception_handler(of) };
        "loop.get_debug": method { LoopRef::get_debug, |it: &LoopRef| it.get_debug() };
        "loop.set_debug": method { LoopRef::set_debug, |it: &LoopRef| it.set_debug(true) };
        "loop.slow_callback_duration": method { LoopRef::slow_callback_duration, |it: &LoopRef| it.slow_callback_duration() } "and `LoopRef::set_slow_callback_duration`";
        "loop.create_connection": is { asyncio::create_connection };
        "loop.create_server": is { asyncio::create_server };
        "loop.create_datagram_endpoint": is { asyncio::create_datagram_endpoint };
        "loop.create_unix_connection": is { asyncio::create_unix_connection };
        "loop.create_unix_server": is { asyncio::create_unix_server };
        "loop.connect_accepted_socket": is { asyncio::connect_accepted_socket };
        "loop.connect_read_pipe": is { asyncio::connect_read_pipe };
        "loop.connect_write_pipe": is { asyncio::connect_write_pipe };
        "loop.sendfile": is { asyncio::sendfile };
        "loop.start_tls": comes { "asyncio-tls" };
        "loop.add_signal_handler": comes { "asyncio-signal" };
        "loop.remove_signal_handler": comes { "asyncio-signal" };
        "loop.subprocess_exec": comes { "asyncio-process" };
        "loop.subprocess_shell": comes { "asyncio-process" };
    }
    "events: handles": "asyncio-eventloop.html#callback-handles" {
        "Handle": is { asyncio::Handle };
        "Handle.cancel": method { Handle::cancel, |it: &Handle| it.cancel() };
        "Handle.cancelled": method { Handle::cancelled, |it: &Handle| it.cancelled() };
        "Handle.get_context": method { Handle::get_context, |it: &Handle| drop(it.get_context()) };
        "TimerHandle": is { asyncio::TimerHandle };
        "TimerHandle.cancel": method { TimerHandle::cancel, |it: &TimerHandle| it.cancel() };
        "TimerHandle.cancelled": method { TimerHandle::cancelled, |it: &TimerHandle| it.cancelled() };
        "TimerHandle.get_context": not { "a callback runs in a copy of the context that is current at the call" };
        "TimerHandle.when": method { TimerHandle::when, |it: &TimerHandle| it.when() };
    }
    "futures": "asyncio-future.html" {
        "Future": is { asyncio::Future };
        "Future.result": method { Future::result, |it: &Future<u8>| drop(it.result()) };
        "Future.set_result": method { Future::set_result, |it: &Future<u8>| drop(it.set_result(1)) };
        "Future.exception": method { Future::exception, |it: &Future<Result<u8, String>>| drop(it.exception()) } "of a `Future<Result<T, E>>`: an error of your own is a part of the value; the others are in `result`";
        "Future.set_exception": method { Future::set_exception, |it: &Future<Result<u8, String>>| drop(it.set_exception(String::new())) } "of a `Future<Result<T, E>>`: an error of your own is a part of the value";
        "Future.done": method { Future::done, |it: &Future<u8>| it.done() };
        "Future.cancelled": method { Future::cancelled, |it: &Future<u8>| it.cancelled() };
        "Future.cancel": method { Future::cancel, |it: &Future<u8>| it.cancel() };
        "Future.add_done_callback": method { Future::add_done_callback, |it: &Future<u8>| drop(it.add_done_callback(|_| ())) };
        "Future.remove_done_callback": method { Future::remove_done_callback, |it: &Future<u8>, id| it.remove_done_callback(id) };
        "Future.get_loop": method { Future::spawner, |it: &Future<u8>| drop(it.spawner()) } "the loop's `Spawner`, which is what a future knows of it; in a task the loop is the running one";
        "wrap_future": is { asyncio::futures::wrap_future };
        "isfuture": not { "a matter of types: what takes handles says `Child`" };
    }
    "tasks": "asyncio-task.html" {
        "Task": is { asyncio::Task } "`TaskRef` is an untyped handle that can be cloned";
        "Task.result": method { Task::result, |it: &Task<u8>| drop(it.result()) };
        "Task.exception": method { Task::exception, |it: &Task<u8>| drop(it.exception()) };
        "Task.done": method { Task::done, |it: &Task<u8>| it.done() };
        "Task.cancelled": method { Task::cancelled, |it: &Task<u8>| it.cancelled() };
        "Task.cancel": method { Task::cancel, |it: &Task<u8>| it.cancel() } "with a message: `Task::cancel_with`";
        "Task.cancelling": method { Task::cancelling, |it: &Task<u8>| it.cancelling() };
        "Task.uncancel": method { Task::uncancel, |it: &Task<u8>| it.uncancel() };
        "Task.add_done_callback": method { Task::add_done_callback, |it: &Task<u8>| drop(it.add_done_callback(|_| ())) } "the callback gets a `TaskRef`, without the result";
        "Task.remove_done_callback": method { Task::remove_done_callback, |it: &Task<u8>, id| it.remove_done_callback(id) };
        "Task.get_name": method { Task::get_name, |it: &Task<u8>| drop(it.get_name()) };
        "Task.set_name": method { Task::set_name, |it: &Task<u8>| it.set_name("name") };
        "Task.get_context": not { "`TaskBuilder::context` gives a task a context of yours" };
        "Task.get_coro": not { "the loop owns the future, and nobody else sees it" };
        "Task.get_loop": not { "a task belongs to the loop that made it; in a task that is the running one" };
        "Task.get_stack": not { "a future has no stack; `TaskRef::spawn_location` says where the task was made" };
        "Task.print_stack": not { "a future has no stack; `TaskRef::spawn_location` says where the task was made" };
        "Task.set_result": not { "an error in Python, too" };
        "Task.set_exception": not { "an error in Python, too" };
        "create_task": is { asyncio::create_task };
        "ensure_future": is { asyncio::ensure_future };
        "current_task": is { asyncio::current_task };
        "all_tasks": is { asyncio::all_tasks };
        "eager_task_factory": method { LoopRef::set_eager, |it: &LoopRef| it.set_eager(true) };
        "create_eager_task_factory": method { TaskBuilder::eager, |it: TaskBuilder| drop(it.eager(true)) } "a factory gets and returns a builder";
        "sleep": is { asyncio::sleep };
        "gather": is { asyncio::gather } "`return_exceptions=True` is `gather(..).return_exceptions()`; before the loop runs: `gather_on`";
        "wait": is { asyncio::wait } "with `Result`s: `try_wait`";
        "FIRST_COMPLETED": is { asyncio::ReturnWhen::FirstCompleted };
        "FIRST_EXCEPTION": is { asyncio::ReturnWhen::FirstException };
        "ALL_COMPLETED": is { asyncio::ReturnWhen::AllCompleted };
        "wait_for": is { asyncio::wait_for };
        "as_completed": is { asyncio::as_completed };
        "shield": is { asyncio::shield };
        "run_coroutine_threadsafe": method { LoopHandle::run_coroutine_threadsafe, |it: &LoopHandle| drop(it.run_coroutine_threadsafe(|| async {})) };
        "iscoroutine": not { "a matter of types: `IntoTask` is what can become a task" };
        "iscoroutinefunction": not { "a matter of types: `async fn`" };
        "_register_task": not { "for task classes written in Python" };
        "_unregister_task": not { "for task classes written in Python" };
        "_enter_task": not { "for task classes written in Python" };
        "_leave_task": not { "for task classes written in Python" };
    }
    "taskgroups": "asyncio-task.html#task-groups" {
        "TaskGroup": is { asyncio::TaskGroup } "`async with` is `task_group`";
    }
    "timeouts": "asyncio-task.html#timeouts" {
        "timeout": is { asyncio::timeout };
        "timeout_at": is { asyncio::timeout_at };
        "Timeout": is { asyncio::Timeout };
        "Timeout.when": method { Timeout::when, |it: &Timeout| it.when() };
        "Timeout.reschedule": method { Timeout::reschedule, |it: &Timeout| drop(it.reschedule(None)) };
        "Timeout.expired": method { Timeout::expired, |it: &Timeout| it.expired() };
    }
    "threads": "asyncio-task.html#running-in-threads" {
        "to_thread": is { asyncio::to_thread };
    }
    "exceptions": "asyncio-exceptions.html" {
        "CancelledError": is { asyncio::TaskError::Cancelled } "`except CancelledError` is `catch_cancelled`";
        "InvalidStateError": is { asyncio::InvalidStateError };
        "TimeoutError": is { asyncio::TimeoutError };
        "BrokenBarrierError": is { asyncio::BrokenBarrierError };
        "IncompleteReadError": is { asyncio::IncompleteReadError };
        "LimitOverrunError": is { asyncio::LimitOverrunError };
        "SendfileNotAvailableError": is { asyncio::SendfileNotAvailableError };
    }
    "locks": "asyncio-sync.html" {
        "Lock": is { asyncio::Lock };
        "Event": is { asyncio::Event };
        "Condition": is { asyncio::Condition };
        "Semaphore": is { asyncio::Semaphore };
        "BoundedSemaphore": is { asyncio::BoundedSemaphore };
        "Barrier": is { asyncio::Barrier };
    }
    "queues": "asyncio-queue.html" {
        "Queue": is { asyncio::Queue };
        "LifoQueue": is { asyncio::LifoQueue };
        "PriorityQueue": is { asyncio::PriorityQueue };
        "QueueEmpty": is { asyncio::QueueEmpty };
        "QueueFull": is { asyncio::QueueFull };
        "QueueShutDown": is { asyncio::QueueShutDown };
    }
    "streams": "asyncio-stream.html" {
        "StreamReader": is { asyncio::StreamReader };
        "StreamWriter": is { asyncio::StreamWriter };
        "StreamReaderProtocol": is { asyncio::StreamReaderProtocol };
        "open_connection": is { asyncio::open_connection };
        "start_server": is { asyncio::start_server };
        "open_unix_connection": is { asyncio::open_unix_connection };
        "start_unix_server": is { asyncio::start_unix_server };
    }
    "transports and protocols": "asyncio-protocol.html" {
        "BaseTransport": is { asyncio::BaseTransport };
        "ReadTransport": is { asyncio::ReadTransport };
        "WriteTransport": is { asyncio::WriteTransport };
        "Transport": is { asyncio::Transport };
        "DatagramTransport": is { asyncio::DatagramTransport };
        "BaseProtocol": not { "its methods are in each kind of protocol, because `connection_made` gets a transport of that kind" };
        "Protocol": is { asyncio::Protocol };
        "BufferedProtocol": is { asyncio::BufferedProtocol } "given to a transport in a `Buffered`";
        "DatagramProtocol": is { asyncio::DatagramProtocol };
        "AbstractServer": not { "there is one kind of server, `Server`" };
        "Server": is { asyncio::Server };
    }
    "subprocess": "asyncio-subprocess.html" {
        "SubprocessTransport": comes { "asyncio-process" };
        "SubprocessProtocol": comes { "asyncio-process" };
        "create_subprocess_exec": comes { "asyncio-process" };
        "create_subprocess_shell": comes { "asyncio-process" };
    }
}

beyond! {
    "a channel for one value": asyncio::queues::oneshot;
    "a channel from many to one": asyncio::queues::mpsc;
    "a channel to everybody": asyncio::queues::broadcast;
    "the latest state, for many": asyncio::queues::watch;
    "a lock for many who read": asyncio::locks::RwLock;
    "a wake-up without a value": asyncio::locks::Notify;
    "a value that is made once": asyncio::locks::OnceCell;
    "tokens, one for each task": asyncio::locks::CapacityLimiter;
    "the first of several; the others clean up": asyncio::race | asyncio::select | asyncio::staggered_race;
    "several in one task": asyncio::join | asyncio::try_join;
    "a deadline that is no error": asyncio::move_on_after;
    "a part of a task that is ended from elsewhere": asyncio::CancelScope;
    "clean-up that awaits": asyncio::finally | asyncio::finally_with | asyncio::catch_cancelled | asyncio::shielded;
    "ticks": asyncio::interval;
    "a socket that the loop knows": asyncio::events::Async;
    "virtual time": asyncio::ManualClock;
}
