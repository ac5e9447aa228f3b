//! The end of a thread, where its thread-local values are destroyed: what is dropped there must not
//! need any of them.

use std::any::Any;
use std::cell::RefCell;
use std::thread;

thread_local! {
    static FIRST: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Makes two values in a thread of its own, and drops them among its thread-local values: one before
/// all those that `make` has used and one after, in whatever order the system destroys them.
///
/// A destructor that panics there ends the process.
///
/// ```
/// use std::cell::RefCell;
///
/// thread_local! {
///     static NAMES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
/// }
/// struct Named;
/// impl Drop for Named {
///     fn drop(&mut self) {
///         // `NAMES.with_borrow_mut` would panic for one of the two.
///         let _ = NAMES.try_with(|names| names.borrow_mut().pop());
///     }
/// }
/// asyncio_testkit::at_thread_end(|| {
///     NAMES.with_borrow_mut(|names| names.push("it".to_owned()));
///     Named
/// });
/// ```
///
/// # Panics
/// With what `make` panics with.
pub fn at_thread_end<T: 'static>(make: impl Fn() -> T + Send + 'static) {
    let thread = thread::spawn(move || {
        // A value's destructor is registered when the value is first looked at.
        FIRST.set(None);
        let values = [make(), make()];
        let [one, other] = values.map(|it| Some(Box::new(it) as Box<dyn Any>));
        LAST.set(one);
        FIRST.set(other);
    });
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}
