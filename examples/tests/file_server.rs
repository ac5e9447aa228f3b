//! The file server, against plain sockets.

mod service;

use asyncio_testkit::Folder;
use service::{Service, TIME_MAX};
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;

const FILE_SERVER: &str = env!("CARGO_BIN_EXE_file_server");

/// A server of a folder, with a secret beside it.
struct Site {
    service: Service,
    folder: Folder,
}

impl Site {
    fn new() -> Self {
        Self::start(|root| Service::start(FILE_SERVER, &[root, "127.0.0.1:0"]))
    }

    fn start(start: impl FnOnce(&str) -> Service) -> Self {
        let folder = Folder::new();
        let root = folder.join("root");
        fs::create_dir(&root).unwrap();
        fs::write(folder.join("secret"), "secret").unwrap();
        fs::write(root.join("README.md"), "# Read me\n").unwrap();
        let service = start(root.to_str().unwrap());
        Self { service, folder }
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.folder.join("root").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.service.address()).unwrap();
        client.set_read_timeout(Some(TIME_MAX)).unwrap();
        client.set_write_timeout(Some(TIME_MAX)).unwrap();
        client
    }

    /// The answer to a request, as it was sent: its head, and what follows.
    fn ask(&self, request: &[u8]) -> (String, Vec<u8>) {
        let mut client = self.connect();
        client.write_all(request).unwrap();
        let mut answer = BufReader::new(client);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(answer.read_line(&mut head).unwrap() > 0, "{head}");
        }
        let mut body = Vec::new();
        answer.read_to_end(&mut body).unwrap();
        (head, body)
    }

    fn get(&self, target: &str) -> (String, Vec<u8>) {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
    }

    #[track_caller]
    fn refuses(&self, request: &[u8], status: &str) {
        let (head, body) = self.ask(request);
        assert_eq!(head.lines().next(), Some(&*format!("HTTP/1.0 {status}")));
        assert_eq!(String::from_utf8(body).unwrap(), status);
    }
}

/// Bytes of no regular pattern.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let block: Vec<u8> = std::iter::repeat_with(next).take(1 << 18).collect();
    let mut bytes = block.repeat(count.div_ceil(block.len()));
    for (number, block) in bytes.chunks_mut(block.len()).enumerate() {
        block[0] = number as u8;
    }
    bytes.truncate(count);
    bytes
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[test]
fn a_file_is_served_with_its_length_and_kind() {
    let site = Site::new();
    let typed = format!("curl http://{}/README.md", site.service.bound);
    assert_eq!(site.service.typed, typed);
    let (head, body) = site.get("/README.md");
    let expected = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\
                    Content-Length: 10\r\nX-Content-Type-Options: nosniff\r\n\
                    Connection: close\r\n\r\n";
    assert_eq!(head, expected);
    assert_eq!(body, b"# Read me\n");
    let (head, body) = site.ask(b"HEAD /README.md HTTP/1.0\r\n\r\n");
    assert_eq!(head, expected);
    assert_eq!(body, b"");
}

#[test]
fn names_are_unescaped_and_queries_ignored() {
    let site = Site::new();
    site.write("sub/a name ü.txt", b"here");
    site.write("sub/index.html", b"<p>");
    site.write("empty", b"");
    assert_eq!(site.get("/sub/a%20name%20%C3%BC.txt?x=/../y").1, b"here");
    let (head, body) = site.get("/sub/");
    assert!(head.contains("text/html") && body == b"<p>", "{head}");
    let (head, body) = site.get("/empty");
    assert!(head.contains("Content-Length: 0\r\n") && body.is_empty());
}

#[test]
fn what_is_outside_of_the_folder_is_not_served() {
    let site = Site::new();
    site.write("sub/file", b"");
    let root = site.folder.join("root");
    for (to, link) in [("../secret", "link"), ("..", "up"), ("/", "slash")] {
        symlink(to, &root.join(link));
    }
    symlink("README.md", &root.join("within"));
    let secret = site.folder.join("secret");
    for target in [
        "/../secret",
        "/sub/../../secret",
        "/%2e%2e/secret",
        "/sub/%2E%2e%2f..%2fsecret",
        "/link",
        "/up/secret",
        "/slash/etc/passwd",
        &format!("/{}", secret.display()),
        "/sub",
        "/",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n\r\n");
        site.refuses(request.as_bytes(), "403 Forbidden");
    }
    assert_eq!(site.get("/within").1, b"# Read me\n");
}

fn symlink(to: &str, link: &Path) {
    std::os::unix::fs::symlink(to, link).unwrap();
}

#[test]
fn what_is_hidden_is_not_there() {
    let site = Site::new();
    site.write(".git/config", b"[core]");
    site.write("sub/.env", b"secret");
    let root = site.folder.join("root");
    symlink(".git", &root.join("link"));
    symlink("sub/.env", &root.join("file"));
    for target in [
        "/.git/config",
        "/%2egit/config",
        "/.git",
        "/sub/.env",
        "/./sub/.env",
        "/.git/../README.md",
        "/.none",
        "/link/config",
        "/link",
        "/file",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\n\r\n");
        site.refuses(request.as_bytes(), "404 Not Found");
    }
    assert_eq!(site.get("/./README.md").1, b"# Read me\n");
}

#[test]
fn a_link_that_leads_to_itself_leads_to_nothing() {
    let site = Site::new();
    let root = site.folder.join("root");
    symlink("two", &root.join("one"));
    symlink("one", &root.join("two"));
    site.refuses(b"GET /one HTTP/1.1\r\n\r\n", "404 Not Found");
    site.refuses(b"GET /two/README.md HTTP/1.1\r\n\r\n", "404 Not Found");
}

#[test]
fn what_is_no_file_is_not_opened() {
    let site = Site::new();
    let path = site.folder.join("root").join("socket");
    let _socket = std::os::unix::net::UnixListener::bind(path).unwrap();
    site.refuses(b"GET /socket HTTP/1.1\r\n\r\n", "403 Forbidden");
}

#[test]
fn each_mistake_has_its_answer() {
    let site = Site::new();
    site.refuses(b"GET /none HTTP/1.1\r\n\r\n", "404 Not Found");
    site.refuses(b"GET /README.md/x HTTP/1.1\r\n\r\n", "404 Not Found");
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET /README.md\r\n\r\n",
        b"GET README.md HTTP/1.1\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\n\r\n",
        b"GET /%2 HTTP/1.1\r\n\r\n",
        b"GET /%00 HTTP/1.1\r\n\r\n",
        b"GET /%ff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 x\r\n\r\n",
    ] {
        site.refuses(request, "400 Bad Request");
    }
    let (head, body) = site.ask(b"HEAD /none HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.0 404 ") && body.is_empty());
    let (head, _) = site.ask(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nunwelcome");
    assert!(head.starts_with("HTTP/1.0 405 ") && head.contains("\r\nAllow: GET, HEAD\r\n"));

    let long = [b"GET /", &[b'x'; 9000][..], b" HTTP/1.1\r\n\r\n"].concat();
    site.refuses(&long, "414 URI Too Long");
    let many = [b"GET / HTTP/1.1\r\n", &b"a: b\r\n".repeat(200)[..], b"\r\n"].concat();
    site.refuses(&many, "431 Request Header Fields Too Large");
    let wide = [b"GET / HTTP/1.1\r\na: ", &[b'x'; 9000][..], b"\r\n\r\n"].concat();
    site.refuses(&wide, "431 Request Header Fields Too Large");
}

#[test]
fn a_large_file_comes_whole() {
    let site = Site::new();
    let large = bytes(64 << 20);
    site.write("large", &large);
    let (head, body) = site.get("/large");
    assert!(head.contains("Content-Length: 67108864\r\n"), "{head}");
    assert_eq!(body.len(), large.len());
    assert_eq!(hash(&body), hash(&large));
}

#[test]
fn many_clients_are_served_at_once_and_one_that_leaves_harms_nobody() {
    let site = Site::new();
    let file = bytes(4 << 20);
    site.write("file", &file);
    // These have begun, and do not read.
    let mut idle: Vec<_> = (0..20).map(|_| site.connect()).collect();
    for client in &mut idle {
        client.write_all(b"GET /file HTTP/1.1\r\n\r\n").unwrap();
        client.read_exact(&mut [0; 1]).unwrap();
    }
    let half = idle.split_off(10);
    drop(half);
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| assert!(site.get("/file").1 == file));
        }
    });
    for client in idle {
        let mut rest = Vec::new();
        BufReader::new(client).read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(&file));
    }
}

/// As many as are served at once, with as many descriptors as are usual.
#[test]
fn each_of_five_hundred_clients_has_a_descriptor_for_its_file() {
    let limited = "ulimit -n 1024 && exec \"$0\" \"$@\"";
    let site = Site::start(|root| {
        Service::start("sh", &["-c", limited, FILE_SERVER, root, "127.0.0.1:0"])
    });
    site.write("file", &bytes(8 << 20));
    let mut clients: Vec<_> = (0..500).map(|_| site.connect()).collect();
    for client in &mut clients {
        client.write_all(b"GET /file HTTP/1.1\r\n\r\n").unwrap();
    }
    for client in &mut clients {
        let mut status = [0; 12];
        client.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.0 200");
    }
    // One more waits, and has its turn when another leaves.
    let mut late = site.connect();
    late.write_all(b"GET /README.md HTTP/1.1\r\n\r\n").unwrap();
    clients.pop();
    let mut answer = Vec::new();
    late.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"# Read me\n"));
}

#[test]
fn a_file_that_shrinks_is_not_taken_for_the_whole() {
    let site = Site::new();
    site.write("file", &bytes(64 << 20));
    let mut client = site.connect();
    client.write_all(b"GET /file HTTP/1.1\r\n\r\n").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
    site.write("file", b"short");
    let mut rest = Vec::new();
    // A reset, or an end before the announced one.
    let _ = client.read_to_end(&mut rest);
    assert!(rest.len() < 64 << 20);
    assert_eq!(site.get("/file").1, b"short");
}
