import pickle
from traceback import format_exception

import pytest

from bvas.errors import DecodeError, redacted, redacted_error, redacted_url
from bvas.video.container.read_options import source_of


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.m3u8", "https://host/a.m3u8"),
        ("rtsp://admin:P@ss@10.0.0.7/main", "rtsp://10.0.0.7/main"),
        ("rtsp://admin:a:b@10.0.0.7:554/main", "rtsp://10.0.0.7:554/main"),
        ("rtsp://admin:pa/ss@10.0.0.7/main", "rtsp://10.0.0.7/main"),
        ("rtsp://admin:p@s/s@10.0.0.7/main", "rtsp://10.0.0.7/main"),
        ("rtsp://admin:pa?ss@10.0.0.7/main", "rtsp://***"),
        ("rtsp://admin:pa#ss@10.0.0.7/main", "rtsp://***"),
        ("http://me:pw@[fe80::1]:8080/x", "http://[fe80::1]:8080/x"),
        ("udp://@239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("http://host/@club/live.m3u8", "http://host/@club/live.m3u8"),
        ("https://h/a.ts?X-Amz-Signature=ab12&id=7#t=3", "https://h/a.ts?X-Amz-Signature=***&id=***"),
        ("https://h/a.ts?AbCd==", "https://h/a.ts?***"),
        ("https://h/a.ts?mail=a@b", "https://h/a.ts?mail=***"),
        ("srt://h:9000?passphrase=s3cret&mode=caller", "srt://h:9000?passphrase=***&mode=***"),
        ("rtmp://h/app/k3y", "rtmp://h/app/***"),
        ("https://h/hdnts=exp=1~acl=/*~hmac=ab/x.m3u8", "https://h/hdnts=***~acl=/*~hmac=***/x.m3u8"),
        ("https://h/v;jsessionid=AB12/x.ts", "https://h/v;jsessionid=***/x.ts"),
        ("file:///a?b=c@d.mp4", "file:///a?b=c@d.mp4"),
        ("a:b@c?d.mp4", "a:b@c?d.mp4"),
    ],
)
def test_an_address_is_named_without_its_secrets(url, shown):
    assert redacted_url(url) == shown
    assert redacted_url(shown) == shown


def test_addresses_are_found_in_any_text_and_what_stands_behind_them_stays():
    assert (
        redacted("no answer from 'http://me:pw@h/x?token=abc'; try")
        == "no answer from 'http://h/x?token=***'; try"
    )
    assert redacted("no file http:/me:pw@h/x?token=abc") == "no file http:/h/x?token=***"
    assert redacted("crypto:http://me:pw@h/x") == "crypto:http://h/x"
    assert redacted("C:/me@home/a?b=c 5/8") == "C:/me@home/a?b=c 5/8"


def test_errors_carry_no_secret_in_text_path_cause_or_pickle():
    url = "http://me:pa55@h/x.mp4?sig=s3cr"
    error = DecodeError(f"cannot open {url}: closed", path=url)
    cause = redacted_error(ConnectionRefusedError(111, "refused", url))
    for text in (
        str(error),
        repr(error),
        str(error.path),
        repr(pickle.loads(pickle.dumps(error))),
        repr(cause),
    ):
        assert "pa55" not in text
        assert "s3cr" not in text
    assert "pa55" not in repr(source_of(url))
    assert source_of(url).location == url


def test_errors_that_an_error_came_from_are_named_without_secrets_too():
    secret = "s3" + "cret"
    try:
        try:
            raise ConnectionRefusedError(111, "refused", f"http://me:pw@h/a.m3u8?token={secret}")
        except OSError as error:
            raise OSError("no answer") from error
    except OSError as error:
        shown = "".join(format_exception(redacted_error(error)))
    assert "no answer" in shown
    assert "http://h/a.m3u8?token=***" in shown
    assert secret not in shown
