//! Context variables: values that follow the flow of work, as Python's `contextvars` do.
//!
//! Every task and every callback runs in a [`Context`]. A task gets a copy of its creator's, so
//! what it sets stays its own; a copy is O(1), and free while no variable is set.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

mod current;

pub(crate) use current::{Current, copy_for_task, run_in};
use current::{current_or_new, with_current};

/// A variable whose value depends on the context that asks for it.
///
/// Declared once, usually as a `static`; each declaration is a variable of its own, whatever its
/// name. The value is cloned out. From Python's [`contextvars.ContextVar`].
///
/// [`contextvars.ContextVar`]: https://docs.python.org/3/library/contextvars.html
///
/// # Examples
/// ```
/// use asyncio_executor::{Context, ContextVar};
///
/// static REQUEST: ContextVar<u32> = ContextVar::new("request");
///
/// REQUEST.set(1);
/// let copy = Context::copy_current();
/// let token = REQUEST.set(2);
/// assert_eq!(copy.run(|| REQUEST.get()), Some(1));
/// assert_eq!(REQUEST.get(), Some(2));
/// REQUEST.reset(token).unwrap();
/// assert_eq!(REQUEST.get(), Some(1));
/// ```
pub struct ContextVar<T> {
    name: &'static str,
    /// Assigned at first use; 0 until then. `const` constructors cannot count.
    id: AtomicU64,
    wrap: fn(T) -> Value,
    unwrap: fn(&Value) -> Option<&T>,
}

/// A value in a context. The second kind may be taken along to another thread.
#[derive(Clone)]
enum Value {
    Local(Rc<dyn Any>),
    Shared(Arc<dyn Any + Send + Sync>),
}

impl<T: Clone + 'static> ContextVar<T> {
    /// Declares a variable. Its values stay on the thread of the context that they are set in.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            id: AtomicU64::new(0),
            wrap: |value| Value::Local(Rc::new(value)),
            unwrap: Value::get,
        }
    }

    /// Declares a variable whose values also follow work to other threads: `to_thread`,
    /// `run_in_executor` and `call_soon_threadsafe` carry it.
    #[must_use]
    pub const fn shared(name: &'static str) -> Self
    where
        T: Send + Sync,
    {
        Self {
            name,
            id: AtomicU64::new(0),
            wrap: |value| Value::Shared(Arc::new(value)),
            unwrap: Value::get,
        }
    }

    /// The name given at the declaration, for people.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The value in the current context, or `None` where none was set.
    ///
    /// Python raises `LookupError` there unless the variable has a default; in Rust the default
    /// is the caller's `unwrap_or`.
    #[must_use]
    pub fn get(&self) -> Option<T> {
        let value = with_current(|context| self.value_in(context?))?;
        (self.unwrap)(&value).cloned()
    }

    /// The value in `context`, counted: `T`'s own `clone` may ask for variables, and is called
    /// when nothing is borrowed.
    fn value_in(&self, context: &Context) -> Option<Value> {
        let map = context.0.map.borrow();
        let at = map.find(self.id()).ok()?;
        Some(map.0[at].1.clone())
    }

    /// Sets the value in the current context, and returns a token that takes it back.
    pub fn set(&self, value: T) -> Token<T> {
        let context = current_or_new();
        let old = context.0.set(self.id(), Some((self.wrap)(value)));
        Token {
            var: self.id(),
            context,
            old,
            _type: PhantomData,
        }
    }

    /// Restores the value that the variable had before the `set` that gave `token`.
    ///
    /// # Errors
    /// [`TokenError`] when the token is of another variable, or of another context than the
    /// current one (Python raises `ValueError`). Nothing changes then.
    pub fn reset(&self, token: Token<T>) -> Result<(), TokenError> {
        if token.var != self.id() {
            return Err(TokenError::OtherVariable);
        }
        let here = with_current(|context| {
            context.is_some_and(|context| Rc::ptr_eq(&context.0, &token.context.0))
        });
        if !here {
            return Err(TokenError::OtherContext);
        }
        token.context.0.set(token.var, token.old);
        Ok(())
    }

    fn id(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = self.id.load(Ordering::Relaxed);
        if id != 0 {
            return id;
        }
        let new = NEXT.fetch_add(1, Ordering::Relaxed);
        // Two threads may race to the first use: the first one's number counts.
        self.id
            .compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed)
            .unwrap_or_else(|first| first);
        self.id.load(Ordering::Relaxed)
    }
}

impl<T> fmt::Debug for ContextVar<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContextVar")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Value {
    fn get<T: 'static>(&self) -> Option<&T> {
        match self {
            Self::Local(value) => value.downcast_ref(),
            Self::Shared(value) => value.downcast_ref(),
        }
    }
}

/// Takes back one [`ContextVar::set`]. Dropping it keeps the value.
pub struct Token<T> {
    var: u64,
    context: Context,
    old: Option<Value>,
    _type: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Token<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").finish_non_exhaustive()
    }
}

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// It was made by another variable.
    OtherVariable,
    /// It was made in another context than the current one.
    OtherContext,
}

impl fmt::Display for TokenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::OtherVariable => "token was created by a different variable",
            Self::OtherContext => "token was created in a different context",
        })
    }
}

impl std::error::Error for TokenError {}

/// A set of values of context variables, in which code can be run.
///
/// Cloning gives another handle to the *same* context; [`Context::copy_current`] and
/// [`Context::copy`] make a context of their own, in O(1).
#[derive(Clone, Default)]
pub struct Context(Rc<Cells>);

#[derive(Default)]
struct Cells {
    map: RefCell<Map>,
}

/// The values, sorted by variable. Shared between copies until one of them changes.
#[derive(Clone, Default)]
struct Map(Rc<Vec<(u64, Value)>>);

impl Map {
    fn find(&self, var: u64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&var, |(id, _)| *id)
    }
}

impl Cells {
    /// Sets or removes a value and returns the old one. The caller drops it, so that a
    /// destructor that asks for variables finds no borrow.
    fn set(&self, var: u64, value: Option<Value>) -> Option<Value> {
        let mut map = self.map.borrow_mut();
        match (map.find(var), value) {
            (Ok(at), Some(value)) => Some(std::mem::replace(
                &mut Rc::make_mut(&mut map.0)[at].1,
                value,
            )),
            (Ok(at), None) => Some(Rc::make_mut(&mut map.0).remove(at).1),
            (Err(at), Some(value)) => {
                Rc::make_mut(&mut map.0).insert(at, (var, value));
                None
            }
            (Err(_), None) => None,
        }
    }
}

impl Context {
    /// An empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of the current context, as Python's `copy_context()`.
    #[must_use]
    pub fn copy_current() -> Self {
        with_current(|context| context.map_or_else(Self::new, Self::copy))
    }

    /// A copy of this one: what is set in one afterwards does not show in the other.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Rc::new(Cells {
            map: RefCell::new(self.0.map.borrow().clone()),
        }))
    }

    /// Calls `f` in this context. What it sets stays in the context.
    ///
    /// Unlike Python's, a context may be entered again while it is entered.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        run_in(Some(self.clone()), f)
    }

    /// Calls `f` in the context that is in `place`, where `None` is an empty one; what `f` sets is
    /// there afterwards. For whoever calls a user's code again and again in one context, of which
    /// there are many and most stay empty: those of connections.
    ///
    /// # Examples
    /// ```
    /// use asyncio_executor::{Context, ContextVar};
    /// use std::cell::Cell;
    ///
    /// static COUNT: ContextVar<u32> = ContextVar::new("count");
    ///
    /// let place = Cell::new(None);
    /// let call = || COUNT.set(COUNT.get().unwrap_or(0) + 1);
    /// Context::run_kept(&place, call);
    /// Context::run_kept(&place, call);
    /// assert_eq!(COUNT.get(), None);
    /// assert_eq!(place.take().unwrap().get(&COUNT), Some(2));
    /// ```
    #[inline]
    pub fn run_kept<R>(place: &Cell<Option<Self>>, f: impl FnOnce() -> R) -> R {
        current::run_kept(place, f)
    }

    /// The value of `var` in this context.
    #[must_use]
    pub fn get<T: Clone + 'static>(&self, var: &ContextVar<T>) -> Option<T> {
        let value = var.value_in(self)?;
        (var.unwrap)(&value).cloned()
    }

    /// How many variables have a value here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.map.borrow().0.len()
    }

    /// Whether no variable has a value here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Context")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// The variables of a context that may cross threads ([`ContextVar::shared`]).
#[derive(Clone)]
pub struct SendContext(Vec<(u64, Arc<dyn Any + Send + Sync>)>);

impl SendContext {
    /// Those of the current context, or `None` where there are none.
    #[must_use]
    pub fn current() -> Option<Self> {
        with_current(|context| {
            let map = context?.0.map.borrow();
            let shared: Vec<_> = map
                .0
                .iter()
                .filter_map(|(id, value)| match value {
                    Value::Shared(value) => Some((*id, Arc::clone(value))),
                    Value::Local(_) => None,
                })
                .collect();
            (!shared.is_empty()).then_some(Self(shared))
        })
    }

    /// Calls `f` on this thread in a new context that holds these variables.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let values = self
            .0
            .iter()
            .map(|(id, value)| (*id, Value::Shared(Arc::clone(value))))
            .collect();
        Context(Rc::new(Cells {
            map: RefCell::new(Map(Rc::new(values))),
        }))
        .run(f)
    }
}

impl fmt::Debug for SendContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SendContext")
            .field("len", &self.0.len())
            .finish()
    }
}
