//! The standard streams, in a child process: this program starts itself.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use asyncio_blocking::stdio::{stderr, stdin, stdout};
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

const CHILD: &str = "ASYNCIO_BLOCKING_STDIO_CHILD";

/// What the child does: copies its input to both outputs.
fn copy() {
    block_on(async {
        let (mut input, mut output, mut error) = (stdin(), stdout(), stderr());
        let mut content = Vec::new();
        input.read_to_end(&mut content).await.unwrap();
        output.write_all(&content).await.unwrap();
        error.write_all(&content).await.unwrap();
        output.flush().await.unwrap();
        error.close().await.unwrap();
        error.write_all(b"x").await.unwrap_err();
    });
}

#[test]
fn what_comes_in_goes_out() {
    if std::env::var_os(CHILD).is_some() {
        return copy();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "what_comes_in_goes_out", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // More than the pipes hold on the way in; little enough for those on the way out, of which
    // this process reads one after the other.
    let content: String = (0..2_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(content.as_bytes())
        .unwrap();
    let mut output = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut output)
        .unwrap();
    let mut error = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{error}");
    // The test harness writes to stdout too.
    assert!(output.contains(&content));
    assert_eq!(error, content);
}

/// A full disk behind the descriptor: the error is seen at the flush. (Not on stdout, to which the
/// test harness writes, too.)
#[test]
fn an_error_of_the_output_is_seen() {
    if std::env::var_os(CHILD).is_some() {
        let error = block_on(async {
            let mut output = stderr();
            output.write_all(b"to nobody\n").await?;
            output.flush().await
        });
        std::process::exit(i32::from(error.is_err()) * 42);
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_error_of_the_output_is_seen", "--nocapture"])
        .env(CHILD, "1")
        .stderr(full)
        .status();
    assert_eq!(status.unwrap().code(), Some(42));
}
