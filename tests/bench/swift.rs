// The bench's server where rustc is at hand: 100,000 answers a second, more than any client in Python takes.
// rustc -O swift.rs && ./swift PHOTOS   -> prints its address
// Photo n has the id 40000000000 + n and the second of upload 1300000000 + 60 n. A search honours min_upload_date and
// max_upload_date, sort, page and per_page, and repeats itself beyond 4,000 photos.
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::{env, thread};

const FIRST_ID: i64 = 40_000_000_000;
const FIRST_SECOND: i64 = 1_300_000_000;
const APART: i64 = 60;
const CAP: i64 = 4_000;
const OWNER: &str = "12037949754@N01";

struct Answers {
    photos: i64,
    info: Vec<String>,
    sizes: Vec<String>,
}

fn argument<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|part| part.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')))
}

fn number(query: &str, name: &str) -> Option<i64> {
    argument(query, name).and_then(|value| value.parse().ok())
}

fn cut(body: String) -> Vec<String> {
    body.split('#').map(String::from).collect()
}

fn info() -> Vec<String> {
    let tags: Vec<String> = (0..12).map(|n| format!("{{\"id\":\"1-#-{n}\",\"author\":\"{OWNER}\",\"authorname\":\"someone\",\"raw\":\"Tag {n}\",\"_content\":\"tag{n}\",\"machine_tag\":0}}")).collect();
    cut(format!("{{\"photo\":{{\"id\":\"#\",\"secret\":\"abcdef0123\",\"server\":\"65535\",\"farm\":66,\"dateuploaded\":\"1300000000\",\"isfavorite\":0,\"license\":\"4\",\"safety_level\":\"0\",\"rotation\":0,\"owner\":{{\"nsid\":\"{OWNER}\",\"username\":\"someone\",\"realname\":\"Some One\",\"location\":\"Somewhere\",\"iconserver\":\"7\",\"iconfarm\":1,\"path_alias\":\"someone\"}},\"title\":{{\"_content\":\"Monkey at the caf\\u00e9\"}},\"description\":{{\"_content\":\"{}\"}},\"visibility\":{{\"ispublic\":1,\"isfriend\":0,\"isfamily\":0}},\"dates\":{{\"posted\":\"1300000000\",\"taken\":\"2011-03-13 07:06:40\",\"takengranularity\":0,\"takenunknown\":\"0\",\"lastupdate\":\"1300000099\"}},\"views\":\"12\",\"comments\":{{\"_content\":\"3\"}},\"notes\":{{\"note\":[]}},\"people\":{{\"haspeople\":0}},\"tags\":{{\"tag\":[{}]}},\"urls\":{{\"url\":[{{\"type\":\"photopage\",\"_content\":\"https:\\/\\/www.flickr.com\\/photos\\/someone\\/#\\/\"}}]}},\"media\":\"photo\"}},\"stat\":\"ok\"}}", "a description of some length, ".repeat(50), tags.join(",")))
}

fn sizes() -> Vec<String> {
    let all = [("Square", 75, 75, "s"), ("Large Square", 150, 150, "q"), ("Thumbnail", 100, 75, "t"), ("Small", 240, 180, "m"), ("Small 320", 320, 240, "n"), ("Small 400", 400, 300, "w"), ("Medium", 500, 375, "x"), ("Medium 640", 640, 480, "z"), ("Medium 800", 800, 600, "c"), ("Large", 1024, 768, "b"), ("Large 1600", 1600, 1200, "h"), ("Large 2048", 2048, 1536, "k"), ("Original", 4000, 3000, "o")];
    let rows: Vec<String> = all.iter().map(|(label, width, height, mark)| format!("{{\"label\":\"{label}\",\"width\":{width},\"height\":{height},\"source\":\"https:\\/\\/live.staticflickr.com\\/65535\\/#_abcdef0123_{mark}.jpg\",\"url\":\"https:\\/\\/www.flickr.com\\/photos\\/someone\\/#\\/sizes\\/{mark}\\/\",\"media\":\"photo\"}}")).collect();
    cut(format!("{{\"sizes\":{{\"canblog\":0,\"canprint\":0,\"candownload\":1,\"size\":[{}]}},\"stat\":\"ok\"}}", rows.join(",")))
}

fn row(out: &mut String, n: i64) {
    let (id, upload) = (FIRST_ID + n, FIRST_SECOND + APART * n);
    out.push_str(&format!("{{\"id\":\"{id}\",\"owner\":\"{OWNER}\",\"secret\":\"abcdef0123\",\"server\":\"65535\",\"farm\":66,\"title\":\"Monkey {n} at the caf\\u00e9\",\"ispublic\":1,\"isfriend\":0,\"isfamily\":0,\"license\":\"4\",\"description\":{{\"_content\":\"A longer text about photo {n} &amp; its place\"}},\"dateupload\":\"{upload}\",\"lastupdate\":\"{}\",\"datetaken\":\"2011-03-13 07:06:40\",\"datetakengranularity\":0,\"datetakenunknown\":\"0\",\"ownername\":\"someone\",\"views\":\"12\",\"tags\":\"monkey zoo travel\",\"machine_tags\":\"\",\"latitude\":0,\"longitude\":0,\"accuracy\":0,\"context\":0,\"media\":\"photo\",\"media_status\":\"ready\",\"pathalias\":\"someone\"", upload + 99));
    for (mark, width, height) in [("sq", 75, 75), ("t", 100, 75), ("s", 240, 180), ("m", 500, 375), ("l", 1024, 768), ("o", 4000, 3000)] {
        out.push_str(&format!(",\"url_{mark}\":\"https://live.staticflickr.com/65535/{id}_abcdef0123_{mark}.jpg\",\"height_{mark}\":{height},\"width_{mark}\":{width}"));
    }
    out.push('}');
}

fn search(query: &str, photos: i64) -> String {
    let low = number(query, "min_upload_date").map_or(0, |second| (second - FIRST_SECOND + APART - 1).div_euclid(APART).max(0));
    let high = number(query, "max_upload_date").map_or(photos - 1, |second| (second - FIRST_SECOND).div_euclid(APART).min(photos - 1));
    let total = (high - low + 1).max(0);
    let size = number(query, "per_page").unwrap_or(100).clamp(1, 500);
    let page = number(query, "page").unwrap_or(1).max(1);
    let first = (page - 1) * size % CAP;
    let ascending = argument(query, "sort").map_or(false, |sort| sort.ends_with("asc"));
    let mut out = String::with_capacity(700_000);
    out.push_str(&format!("{{\"photos\":{{\"page\":{page},\"pages\":{},\"perpage\":{size},\"total\":{total},\"photo\":[", (total + size - 1) / size));
    for n in first..(first + size).min(total) {
        if n > first {
            out.push(',');
        }
        row(&mut out, if ascending { low + n } else { high - n });
    }
    out.push_str("]},\"stat\":\"ok\"}");
    out
}

fn answer(query: &str, answers: &Answers) -> String {
    let id = argument(query, "photo_id").unwrap_or("0");
    match argument(query, "method").unwrap_or("") {
        "flickr.photos.getInfo" => answers.info.join(id),
        "flickr.photos.getSizes" => answers.sizes.join(id),
        "flickr.photos.search" => search(query, answers.photos),
        _ => String::from("{\"stat\":\"fail\",\"code\":112,\"message\":\"Method not found\"}"),
    }
}

fn serve(stream: TcpStream, answers: Arc<Answers>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut input = BufReader::with_capacity(16_384, stream.try_clone().ok()?);
    let mut output = stream;
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let target = line.split(' ').nth(1).unwrap_or("").to_string();
        let (mut length, mut closes) = (0, false);
        loop {
            line.clear();
            if input.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let header = line.to_ascii_lowercase();
            closes = closes || header.trim_end() == "connection: close";
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        let mut form = vec![0; length];
        input.read_exact(&mut form).ok()?;
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let body = answer(&format!("{query}&{}", String::from_utf8_lossy(&form)), &answers);
        let mut whole = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        whole.push_str(&body);
        output.write_all(whole.as_bytes()).ok()?;
        if closes {
            return None;
        }
    }
}

fn main() {
    let photos = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let answers = Arc::new(Answers { photos, info: info(), sizes: sizes() });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}/services/rest/", listener.local_addr().unwrap());
    for stream in listener.incoming().flatten() {
        let answers = Arc::clone(&answers);
        thread::Builder::new().stack_size(256 * 1024).spawn(move || serve(stream, answers)).ok();
    }
}
