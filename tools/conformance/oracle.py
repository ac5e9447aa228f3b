#!/usr/bin/env python3
"""The oracle: run a scenario (FORMAT.md) on CPython's real asyncio in virtual time
and print its trace.

    oracle.py run  scenarios/x.json            # print the trace
    oracle.py bless scenarios/*.json           # write x.expected.json beside each
    oracle.py pack  rand/*.json > pack.jsonl   # scenario and trace, one a line
    oracle.py pack --later x.json              # a failed child as since gh-128550: see `later`
    ORACLE_PURE=1 oracle.py check ...          # asyncio's Python Task/Future in place of the C ones
    oracle.py check scenarios/*.json [--level turn|order|task]   # compare with the stored
    oracle.py check --loop uvloop:new_event_loop --tick 0.02 ... # real time, another loop (level task)

What is real: Task, Future, gather, wait, TaskGroup, timeout, locks, queues, Runner and
BaseEventLoop._run_once are CPython's own.  What is replaced, so that a trace is a
function of the scenario alone (asyncio leaves each of these unspecified):
  * time: a selector that never waits but moves loop.time() on (ticks, start 0)
  * equal deadlines run in the order of call_at (stock: heap order; --ties heap)
  * TaskGroup cancels its children, and Runner.close its leftover tasks, in creation
    order (stock: set order)
"""
import os, sys

if os.environ.get("ORACLE_PURE"):          # asyncio's Python Task and Future, not the C ones
    sys.modules["_asyncio"] = None
import argparse, asyncio, contextvars, gc, heapq, importlib, itertools, json, selectors
import asyncio.runners, asyncio.tasks, asyncio.taskgroups

PY = sys.version_info


class Deadlock(Exception):
    pass


class Err(Exception):
    """The scenarios' own error: ["raise", "x"]."""


class VSelector(selectors.BaseSelector):
    def __init__(self):
        self.map, self.loop = {}, None

    def register(self, fileobj, events, data=None):
        fd = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        self.map[fd] = key = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def unregister(self, fileobj):
        return self.map.pop(fileobj if isinstance(fileobj, int) else fileobj.fileno())

    def get_key(self, fileobj):
        return self.map[fileobj if isinstance(fileobj, int) else fileobj.fileno()]

    def get_map(self):
        return self.map

    def select(self, timeout=None):
        if timeout is None:
            raise Deadlock
        if timeout > 0:
            self.loop.now += timeout
            sch = self.loop._scheduled
            if sch and abs(sch[0]._when - self.loop.now) < 1e-9:
                self.loop.now = sch[0]._when
        return []

    def close(self):
        self.map.clear()


class FifoTimer(asyncio.TimerHandle):
    __slots__ = ("_seq",)

    def __lt__(self, other):
        return (self._when, self._seq) < (other._when, other._seq)

    def __le__(self, other):
        return self < other or self is other

    def __eq__(self, other):
        return self is other

    __hash__ = asyncio.TimerHandle.__hash__


class VLoop(asyncio.SelectorEventLoop):
    ties = "fifo"

    def __init__(self):
        self.now, self.turn, self._count, self.kept = 0, 0, itertools.count(), []
        sel = VSelector()
        super().__init__(sel)
        sel.loop = self

    def time(self):
        return self.now

    def create_task(self, *a, **k):
        # asyncio holds tasks weakly: a waiting task that nothing else holds may be collected,
        # its finally blocks run, at any time.  A trace must not hang on the collector.
        t = super().create_task(*a, **k)
        self.kept.append(t)
        return t

    def _run_once(self):
        self.turn += 1
        super()._run_once()

    def call_at(self, when, callback, *args, context=None):
        if self.ties != "fifo":
            return super().call_at(when, callback, *args, context=context)
        self._check_closed()
        t = FifoTimer(when, callback, args, self, context)
        t._seq = next(self._count)
        heapq.heappush(self._scheduled, t)
        t._scheduled = True
        return t


class OrderedSet(dict):
    def add(self, x):
        self[x] = 1

    def discard(self, x):
        self.pop(x, None)


class TaskGroup(asyncio.TaskGroup):
    def __init__(self):
        super().__init__()
        self._tasks = OrderedSet()


def later():
    """What CPython does since gh-128550, as far as the scenarios show it: a child that has failed
    in `create_task` already (eager tasks) is left to its done-callback, a turn later, so that the
    body is not cancelled inside `create_task`. Such a child is the only one that the group is told
    of and does not have among its tasks."""
    at_once = TaskGroup._on_task_done

    def on_task_done(self, task):
        if task in self._tasks or task.cancelled() or task.exception() is None:
            return at_once(self, task)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    TaskGroup._on_task_done = on_task_done


def kind(e):
    if isinstance(e, asyncio.CancelledError):
        return "Cancelled" + (f"({e.args[0]})" if e.args and e.args[0] is not None else "")
    if isinstance(e, Err):
        return f"Error({e})"
    if isinstance(e, BaseExceptionGroup):
        return "Group[" + ",".join(kind(x) for x in e.exceptions) + "]"
    if isinstance(e, TimeoutError):
        return "Timeout"
    return type(e).__name__


def matches(e, pat):
    if pat == "**":
        return True
    if pat == "*":
        return isinstance(e, Exception)
    return kind(e).split("(")[0].split("[")[0] == pat


class Ret:
    def __init__(self, v):
        self.v = v


class World:
    def __init__(self, sc, loop, tick=None):
        self.sc, self.loop, self.tick = sc, loop, tick
        self.trace, self.env, self.vars, self.names, self.ctx = [], {}, {}, {}, {}
        self.tasks = []          # creation order
        self.t0 = loop.time()
        self.cbs = {}
        loop.set_exception_handler(self.unhandled)
        for name, spec in sc.get("objects", {}).items():
            self.env[name] = self.make(name, spec)

    def make(self, name, spec):
        k, *a = spec if isinstance(spec, list) else [spec]
        if k == "condition" and a:
            return asyncio.Condition(self.env[a[0]])
        if k == "var":
            self.vars[name] = a[0]
            return None
        return {"lock": asyncio.Lock, "event": asyncio.Event, "condition": asyncio.Condition,
                "semaphore": asyncio.Semaphore, "bounded": asyncio.BoundedSemaphore,
                "barrier": getattr(asyncio, "Barrier", None), "queue": asyncio.Queue,
                "lifo": asyncio.LifoQueue, "prio": asyncio.PriorityQueue}[k](*a)

    def unhandled(self, loop, context):
        # only what is deterministic: an exception out of a callback (never the GC's reports)
        if "handle" in context or "task" in context and "exception" in context and "never" not in context["message"]:
            self.log("loop", "unhandled", kind(context["exception"]) if context.get("exception") else None)

    def now(self):
        t = self.loop.time() - self.t0
        if self.tick:
            return round(t / self.tick)
        t = round(t, 6)
        return int(t) if t == int(t) else t

    def log(self, who, ev, v=None):
        self.trace.append([getattr(self.loop, "turn", 0), self.now(), who, ev, v])

    def show(self, v):
        if isinstance(v, BaseException):
            return "!" + kind(v)
        if isinstance(v, (list, tuple)):
            return [self.show(x) for x in v]
        if isinstance(v, (set, frozenset)):
            return sorted(self.show(x) for x in v)
        if asyncio.isfuture(v):
            return "#" + self.names.get(id(v), "?")
        return v

    def bind(self, name, fut):
        self.env[name] = fut
        self.names[id(fut)] = name
        self.keep = getattr(self, "keep", [])
        self.keep.append(fut)
        if isinstance(fut, asyncio.Task):
            self.tasks.append(fut)
        return fut

    def ticks(self, d):
        return d if d is None or not self.tick else d * self.tick


class Frame:
    """One coroutine (or callback) of a scenario; `who` names it in the trace."""

    def __init__(self, w, who):
        self.w, self.who, self.last, self.exc, self.local = w, who, None, None, {}

    # ---- expressions
    def ev(self, e):
        w = self.w
        if isinstance(e, str) and e.startswith("$"):
            n = e[1:]
            return w.show(self.last if n == "_" else self.exc if n == "exc" else w.vars.get(n))
        if isinstance(e, list):
            return [self.ev(x) for x in e]
        if not isinstance(e, dict):
            return e
        (k, a), = e.items()
        if k in ("eq", "ge", "add", "and"):
            x, y = self.ev(a[0]), self.ev(a[1])
            return {"eq": lambda: x == y, "ge": lambda: x >= y, "add": lambda: x + y, "and": lambda: x and y}[k]()
        if k == "not":
            return not self.ev(a)
        if k == "time":
            return w.now()
        if k == "ctx":
            return w.ctx.setdefault(a, contextvars.ContextVar(a, default=None)).get()
        o = self.obj(a)
        if o is None:
            return None
        if k == "when":
            t = o.when()
            return t if t is None else (round((t - w.t0) / w.tick) if w.tick else t)
        if k in ("broken", "n_waiting", "parties"):
            return getattr(o, k)
        if k == "handle_cancelled":
            return o.cancelled()
        return w.show(getattr(o, k)())   # done cancelled result exception cancelling locked is_set qsize empty full expired

    def obj(self, n):
        if n == "self":
            return asyncio.current_task()
        return self.w.env.get(n)

    def target(self, t):
        """A name (task, future) or "@coro[:label]": a fresh coroutine."""
        if isinstance(t, str) and t.startswith("@"):
            c, _, label = t[1:].partition(":")
            return self.coro(c, label or c)
        return self.w.env[t]

    def coro(self, c, label):
        f = Frame(self.w, label)
        return f.main(self.w.sc["coros"][c] if isinstance(c, str) else c)

    async def main(self, body):
        w = self.w
        w.log(self.who, "start")
        try:
            r = await self.block(body)
            v = r.v if isinstance(r, Ret) else None
            w.log(self.who, "return", w.show(v))
            return v
        except BaseException as e:
            if not isinstance(e, (Deadlock, GeneratorExit)):
                w.log(self.who, "raise", kind(e))
            raise

    def callback(self, body):
        def cb(*_):
            f.last = None
            f.sync_block(body)
        f = Frame(self.w, "loop")
        return cb

    def sync_block(self, body):
        for op in body:
            if not self.sync(op):
                raise AssertionError(f"not a synchronous op: {op}")

    # ---- operations which do not wait; True when it was one
    def sync(self, op):
        w, k, a = self.w, op[0], op[1:]
        loop = w.loop
        if k == "log":
            w.log(self.who, a[0], w.show(self.ev(a[1])) if len(a) > 1 else None)
        elif k == "raise":
            raise Err(a[0])
        elif k == "raise_cancelled":
            raise asyncio.CancelledError()
        elif k == "set":
            w.vars[a[0]] = self.ev(a[1])
        elif k == "incr":
            w.vars[a[0]] = (w.vars.get(a[0]) or 0) + (a[1] if len(a) > 1 else 1)
        elif k == "ctx_set":
            w.ctx.setdefault(a[0], contextvars.ContextVar(a[0], default=None)).set(self.ev(a[1]))
        elif k == "eager":
            loop.set_task_factory(asyncio.eager_task_factory if a[0] else None)
        elif k == "spawn":
            self.last = w.bind(a[0], loop.create_task(self.coro(a[1] if len(a) > 1 else a[0], a[0]), name=a[0]))
        elif k == "future":
            w.bind(a[0], loop.create_future())
        elif k == "set_result":
            w.env[a[0]].set_result(self.ev(a[1]))
        elif k == "set_exception":
            w.env[a[0]].set_exception(Err(a[1]))
        elif k == "cancel":
            t = self.obj(a[0])
            self.last = None if t is None else (t.cancel(*a[1:]) if len(a) > 1 else t.cancel())
        elif k == "uncancel":
            self.last = self.obj(a[0]).uncancel()
        elif k == "callback":
            name, label = a

            def cb(f):
                st = "Cancelled" if f.cancelled() else kind(f.exception()) if f.exception() else w.show(f.result())
                w.log("loop", label, st)
            w.cbs[name, label] = cb
            w.env[name].add_done_callback(cb)
        elif k == "remove_callback":
            self.last = w.env[a[0]].remove_done_callback(w.cbs[tuple(a)])
        elif k == "shield":
            w.bind(a[0], asyncio.shield(self.target(a[1])))
        elif k == "gather":
            ts = [self.target(t) for t in a[1]]
            w.bind(a[0], asyncio.gather(*ts, return_exceptions=bool(len(a) > 2 and a[2])))
        elif k == "tg_spawn":
            w.bind(a[1], w.env[a[0]].create_task(self.coro(a[2] if len(a) > 2 else a[1], a[1]), name=a[1]))
        elif k == "reschedule":
            w.env[a[0]].reschedule(None if a[1] is None else loop.time() + w.ticks(a[1]))
        elif k == "call_soon":
            w.env[a[0]] = loop.call_soon(self.callback(a[1]))
        elif k == "call_later":
            w.env[a[0]] = loop.call_later(w.ticks(a[1]), self.callback(a[2]))
        elif k == "call_at":
            w.env[a[0]] = loop.call_at(w.t0 + w.ticks(a[1]), self.callback(a[2]))
        elif k == "cancel_handle":
            w.env[a[0]].cancel()
        elif k == "release":
            w.env[a[0]].release()
        elif k == "event_set":
            w.env[a[0]].set()
        elif k == "event_clear":
            w.env[a[0]].clear()
        elif k == "notify":
            w.env[a[0]].notify(*a[1:])
        elif k == "notify_all":
            w.env[a[0]].notify_all()
        elif k == "put_nowait":
            w.env[a[0]].put_nowait(self.ev(a[1]))
        elif k == "get_nowait":
            self.last = w.env[a[0]].get_nowait()
        elif k == "task_done":
            w.env[a[0]].task_done()
        elif k == "shutdown":
            w.env[a[0]].shutdown(*a[1:])
        elif k == "stop":
            loop.stop()
        else:
            return False
        return True

    # ---- everything
    async def block(self, body):
        w = self.w
        for op in body:
            if self.sync(op):
                continue
            k, a = op[0], op[1:]
            r = None
            if k == "sleep":
                self.last = await asyncio.sleep(w.ticks(a[0]), *a[1:])
            elif k == "yield":
                await asyncio.sleep(0)
            elif k == "return":
                return Ret(self.ev(a[0]) if a else None)
            elif k == "reraise":
                raise self.exc
            elif k == "try":
                r = await self.try_(*a)
            elif k == "outcome":
                try:
                    r = await self.block(a[1])
                    w.log(self.who, a[0], "ok")
                except BaseException as e:
                    if isinstance(e, (Deadlock, GeneratorExit)):
                        raise
                    w.log(self.who, a[0], kind(e))
            elif k == "repeat":
                for _ in range(a[0]):
                    r = await self.block(a[1])
                    if isinstance(r, Ret):
                        break
            elif k == "if":
                r = await self.block(a[1] if self.ev(a[0]) else (a[2] if len(a) > 2 else []))
            elif k == "await":
                self.last = await self.target(a[0])
            elif k == "wait":
                opt = a[1] if len(a) > 1 else {}
                done, pend = await asyncio.wait([w.env[n] for n in a[0]], timeout=w.ticks(opt.get("timeout")),
                                                return_when=opt.get("when", "ALL_COMPLETED"))
                self.last = [sorted(w.show(x) for x in done), sorted(w.show(x) for x in pend)]
            elif k == "as_completed":
                for c in asyncio.as_completed([w.env[n] for n in a[0]], timeout=w.ticks(a[1]) if len(a) > 1 else None):
                    try:
                        v = await c
                        w.log(self.who, "completed", w.show(v))
                    except Exception as e:
                        w.log(self.who, "failed", kind(e))
            elif k == "wait_for":
                self.last = await asyncio.wait_for(self.target(a[0]), w.ticks(a[1]))
            elif k in ("timeout", "timeout_at"):
                d = a[1] if a[1] is None else w.ticks(a[1])
                cm = asyncio.timeout(d) if k == "timeout" else asyncio.timeout_at(None if d is None else w.t0 + d)
                async with cm as t:
                    w.env[a[0]] = t
                    r = await self.block(a[2])
            elif k == "taskgroup":
                async with TaskGroup() as tg:
                    w.env[a[0]] = tg
                    r = await self.block(a[1])
            elif k == "acquire":
                self.last = await w.env[a[0]].acquire()
            elif k == "with":
                async with w.env[a[0]]:
                    r = await self.block(a[1])
            elif k == "event_wait":
                self.last = await w.env[a[0]].wait()
            elif k == "cond_wait":
                self.last = await w.env[a[0]].wait()
            elif k == "cond_wait_for":
                self.last = await w.env[a[0]].wait_for(lambda: self.ev(a[1]))
            elif k == "barrier_wait":
                self.last = await w.env[a[0]].wait()
            elif k == "barrier_abort":
                await w.env[a[0]].abort()
            elif k == "barrier_reset":
                await w.env[a[0]].reset()
            elif k == "put":
                await w.env[a[0]].put(self.ev(a[1]))
            elif k == "get":
                self.last = await w.env[a[0]].get()
            elif k == "join":
                await w.env[a[0]].join()
            else:
                raise AssertionError(f"unknown op {op}")
            if isinstance(r, Ret):
                return r
        return None

    async def try_(self, body, handlers=(), final=()):
        r = None
        try:
            try:
                r = await self.block(body)
            except BaseException as e:
                if isinstance(e, (Deadlock, GeneratorExit)):
                    raise
                for pats, hbody in handlers:
                    if any(matches(e, p) for p in ([pats] if isinstance(pats, str) else pats)):
                        saved, self.exc = self.exc, e
                        try:
                            r = await self.block(hbody)
                        finally:
                            self.exc = saved
                        break
                else:
                    raise
        finally:
            # (a BaseException that is the oracle's own stop runs no scenario code)
            if not isinstance(sys.exception() if PY >= (3, 11) else None, (Deadlock, GeneratorExit)):
                x = await self.block(final)
                if isinstance(x, Ret):
                    r = x
        return r


runs = 0


def run(sc, loop_spec=None, tick=None, ties="fifo"):
    global runs
    runs += 1
    gc.enable()
    if runs % 20 == 0:
        gc.collect()
    gc.disable()
    VLoop.ties = ties
    if loop_spec:
        mod, _, name = loop_spec.partition(":")
        factory = getattr(importlib.import_module(mod), name)
    else:
        factory, tick = VLoop, None
    world = None
    real_all = asyncio.tasks.all_tasks

    def all_tasks(loop=None):
        s = real_all(loop)
        known = [t for t in (world.tasks if world else []) if t in s]
        return known + [t for t in s if t not in known]

    asyncio.tasks.all_tasks = all_tasks
    close = sc.get("close", "runs" in sc)
    runner = asyncio.Runner(loop_factory=factory)
    dead = False
    try:
        loop = runner.get_loop()
        world = World(sc, loop, tick)
        for i, body in enumerate(sc.get("runs") or [sc["main"]]):
            who = f"main{i}" if "runs" in sc else "main"
            try:
                async def top():
                    world.tasks.insert(0, asyncio.current_task())
                    world.names[id(asyncio.current_task())] = who
                    world.env[who] = asyncio.current_task()
                    world.keep = getattr(world, "keep", [])
                    world.keep.append(asyncio.current_task())
                    return await Frame(world, who).main(body)
                runner.run(top())
            except Deadlock:
                world.log("loop", "deadlock")
                dead = True
                break
            except BaseException as e:
                if isinstance(e, AssertionError):
                    raise
                if "runs" in sc:
                    world.log("runner", "raised", kind(e))
        if close and not dead:
            try:
                runner.close()
            except Deadlock:
                world.log("loop", "deadlock")
            world.log("runner", "closed")
        return list(world.trace)
    finally:
        if world is not None:
            world.log = lambda *a, **k: None
            loop = runner.get_loop() if runner._state.name == "INITIALIZED" else None
            if loop is not None:
                try:
                    runner.close()
                except BaseException:
                    pass
        asyncio.tasks.all_tasks = real_all


def normal(trace, level):
    if level == "turn":
        return trace
    if level == "order":
        return [e[1:] for e in trace]
    by = {}
    for e in trace:
        by.setdefault(e[2], []).append(e[1:])
    return by


def path_expected(p):
    return p[:-5] + ".expected.json"


def dump_trace(tr):
    return "[\n" + ",\n".join("  " + json.dumps(e) for e in tr) + "\n ]"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("cmd", choices=["run", "bless", "check", "pack"])
    p.add_argument("files", nargs="+")
    p.add_argument("--level", choices=["turn", "order", "task"], default="turn")
    p.add_argument("--loop")
    p.add_argument("--tick", type=float, default=0.02)
    p.add_argument("--later", action="store_true", help="with what a later CPython does: see `later`")
    p.add_argument("--ties", choices=["fifo", "heap"], default="fifo")
    a = p.parse_args()
    if a.later:
        later()
    import logging
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda *_: None
    import warnings
    warnings.simplefilter("ignore")
    ok = bad = skipped = 0
    out = sys.stdout
    if a.cmd == "pack":                      # JSONL on stdout, for CI without Python
        sys.stdout = sys.stderr
    for f in a.files:
        if f.endswith(".expected.json"):
            continue
        sc = json.load(open(f))
        if PY < tuple(sc.get("python", [3, 11])):
            skipped += 1
            continue
        if a.loop and a.cmd == "check":
            exp = json.load(open(path_expected(f)))["trace"]
            if any(e[3] == "deadlock" for e in exp) or sc.get("virtual_only"):
                skipped += 1
                continue
        tr = run(sc, a.loop, a.tick, a.ties)
        if a.cmd == "run":
            print(dump_trace(tr))
        elif a.cmd == "pack":
            ok += 1
            out.write(json.dumps({"scenario": sc, "trace": tr}, separators=(",", ":"), ensure_ascii=False) + "\n")
        elif a.cmd == "bless":
            again = run(sc, a.loop, a.tick, a.ties)
            assert tr == again, f"{f}: not deterministic"
            with open(path_expected(f), "w") as o:
                o.write('{"scenario": %s,\n "oracle": "CPython %s asyncio, virtual time, fifo ties",\n "trace": %s}\n'
                        % (json.dumps(sc["name"]), sys.version.split()[0], dump_trace(tr)))
            ok += 1
        else:
            exp = json.load(open(path_expected(f)))["trace"]
            if normal(tr, a.level) == normal(exp, a.level):
                ok += 1
            else:
                bad += 1
                print(f"DIFF {f}")
                x, y = [json.dumps(e) for e in exp], [json.dumps(e) for e in tr]
                for i, (u, v) in enumerate(itertools.zip_longest(x, y)):
                    if u != v and (a.level == "turn" or (u and json.loads(u)[1:]) != (v and json.loads(v)[1:])):
                        print(f"   event {i}: expected {u} got {v}")
                        break
    print(f"{a.cmd}: {ok} ok, {bad} differ, {skipped} skipped (python {sys.version.split()[0]}"
          f"{', ' + a.loop if a.loop else ''}, level {a.level})")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
