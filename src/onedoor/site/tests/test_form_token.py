"""The token of a form: Django takes it, its mask is new on each page, and who has its cookie is not sent it again."""

from django.middleware.csrf import CSRF_ALLOWED_CHARS, _does_token_match, _unmask_cipher_token
from django.test import Client

from onedoor.site.form_token import masked

SECRET = CSRF_ALLOWED_CHARS[-16:] + CSRF_ALLOWED_CHARS[:16]
COOKIE = "onedoor-form"


def test_django_finds_the_secret_under_every_mask_and_no_two_masks_are_alike() -> None:
    tokens = {masked(SECRET) for _ in range(500)}
    assert len(tokens) == 500
    assert all(_unmask_cipher_token(token) == SECRET and _does_token_match(token, SECRET) for token in tokens)
    counts = [sum(token[:32].count(sign) for token in tokens) for sign in CSRF_ALLOWED_CHARS]
    assert 150 < min(counts) < max(counts) < 400, "each sign comes 258 times on average, with a deviation of 16"


def test_who_has_the_cookie_of_forms_is_not_sent_it_with_each_page(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    pages = [client.get("/en/sign-in") for _ in range(2)]
    assert [COOKIE in page.cookies for page in pages] == [True, False]
    tokens = [page.content.decode().partition('csrfmiddlewaretoken" value="')[2][:64] for page in pages]
    assert tokens[0] != tokens[1]
    for token in tokens:
        assert client.post("/en/sign-in", {"csrfmiddlewaretoken": token, "persona": "nobody"}).status_code == 404
    assert client.post("/en/sign-in", {"csrfmiddlewaretoken": "x" * 64, "persona": "nobody"}).status_code == 400
