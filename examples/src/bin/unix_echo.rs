//! An echo server on a Unix socket, and its client (Unix).
//!
//! Type `cargo run -p asyncio-examples --bin unix_echo`, or with `-- PATH` where the socket is to
//! be; it says what to type next. Without a path it makes one, talks to itself, and ends. The file
//! goes with the server.

#![forbid(unsafe_code)]

#[cfg(not(unix))]
fn main() {
    eprintln!("Unix sockets are a thing of Unix");
}

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    unix::main()
}

#[cfg(unix)]
mod unix {
    use asyncio::{StreamReader, StreamWriter, open_unix_connection, start_unix_server};
    use std::error::Error;
    use std::io;
    use std::path::Path;

    async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
        loop {
            let line = reader.readline().await?;
            if line.is_empty() {
                return Ok(());
            }
            writer.write(&line);
            writer.drain().await?;
        }
    }

    async fn serve(path: &Path) -> Result<(), Box<dyn Error>> {
        let server = start_unix_server(echo, path).await?;
        let path = path.display();
        println!("listening on {path}; now type: nc -U {path}");
        Ok(server.serve_forever().await?) // until Ctrl-C
    }

    async fn talk_to_itself() -> Result<(), Box<dyn Error>> {
        let path = std::env::temp_dir().join(format!("unix-echo-{}", std::process::id()));
        let server = start_unix_server(echo, &path).await?;
        let (mut reader, writer) = open_unix_connection(&path).await?;
        writer.write(b"Hello World!\n");
        let answer = reader.readline().await?;
        print!("{}", String::from_utf8_lossy(&answer));
        writer.close();
        writer.wait_closed().await?;
        server.close();
        server.wait_closed().await;
        println!("the file is gone: {}", !path.exists());
        Ok(())
    }

    pub(crate) fn main() -> Result<(), Box<dyn Error>> {
        match std::env::args_os().nth(1) {
            Some(path) => asyncio::run(serve(path.as_ref()))?,
            None => asyncio::run(talk_to_itself())?,
        }
    }
}
