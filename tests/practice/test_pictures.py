"""Pictures that the practice puts on its pages: what is taken in, what is left of it, and how it is shown."""

import io
import zlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from practice import pictures
from practice.models import Picture, Practice
from practice.translations import Translated
from tests.booking.accounts import make_account, signed_in
from tests.practice.factories import make_page, make_picture, make_practice, picture_file

ADD = "/en/beheer/practice/picture/add/"
WORDS = {"alternative_nl": "Een kamer met kussens", "alternative_en": "A room with cushions"}


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_cameras_and_programs_make_is_taken(kind: str) -> None:
    made = pictures.make(picture_file(kind, size=(300, 200)))

    assert (made.width, made.height) == (300, 200)
    assert opened(made.content).format == "WEBP"


@pytest.mark.parametrize("size", [(300, 200), (4000, 3000)])
def test_of_a_jpeg_with_several_frames_as_phones_make_them_the_first_is_taken(size: tuple[int, int]) -> None:
    frames = [Image.new("RGB", size, colour) for colour in ("red", "blue", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "MPO", save_all=True, append_images=frames[1:])
    assert Image.open(io.BytesIO(file.getvalue())).format == "MPO"

    made = opened(pictures.make(file.getvalue()).content).convert("RGB")

    red, _green, blue = made.getpixel((10, 10))  # type: ignore[misc]
    assert red > 200 > 50 > blue
    assert getattr(made, "n_frames", 1) == 1


def test_a_large_picture_is_made_smaller_and_a_small_one_stays() -> None:
    made = pictures.make(picture_file("JPEG", size=(4000, 3000)))

    assert (made.width, made.height) == (1280, 960)
    assert opened(made.content).size == (1280, 960)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_whatever_its_colours_are_made_of_it_is_drawn(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"

    made = pictures.make(picture_file(kind, size=(1400, 700), mode=mode, colour=None))

    assert opened(made.content).size == (made.width, made.height) == (1280, 640)


def test_where_and_when_it_was_taken_is_left_out_and_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera of Noor"
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x8825] = {1: "N", 2: (51.0, 25.0, 12.0)}
    upload = picture_file("JPEG", size=(300, 200), exif=exif, comment=b"taken at home", icc_profile=b"x" * 200)
    assert b"Camera of Noor" in upload

    made = pictures.make(upload)

    # Quarter turned, so the sides change places.
    assert (made.width, made.height) == (200, 300)
    assert b"Noor" not in made.content
    assert b"taken at home" not in made.content
    drawn = opened(made.content)
    assert not drawn.getexif()
    assert not {"exif", "xmp", "icc_profile"} & set(drawn.info)


def test_what_hides_behind_or_in_a_picture_does_not_come_along() -> None:
    script = b"<script>alert(1)</script>"
    upload = picture_file("PNG", text=script.decode()) + script + b"PK\x03\x04"
    assert upload.count(script) == 2

    made = pictures.make(upload)

    assert script not in made.content
    assert b"PK\x03\x04" not in made.content


def test_what_can_be_seen_through_stays_so() -> None:
    drawn = opened(pictures.make(picture_file("PNG", colour=(200, 100, 50, 0), mode="RGBA")).content)

    assert drawn.mode == "RGBA"
    assert drawn.getpixel((10, 10))[3] == 0  # type: ignore[index]


def png_that_says(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it is so large."""
    content = picture_file("PNG", size=(10, 10))
    head = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + content[24:29]
    return content[:12] + head + zlib.crc32(head).to_bytes(4, "big") + content[33:]


@pytest.mark.parametrize(("width", "height"), [(4000, 3001), (20_000, 20_000), (60_000, 60_000)])
def test_what_would_unpack_to_gigabytes_is_refused_before_it_does(width: int, height: int) -> None:
    with override("en"), pytest.raises(ValidationError, match="too many pixels: at most 12 million"):
        pictures.make(png_that_says(width, height))


@pytest.mark.parametrize(
    "upload",
    [
        b"",
        b"no picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        picture_file("GIF"),
        picture_file("BMP"),
        picture_file("TIFF"),
        picture_file("JPEG")[:400],
        picture_file("PNG")[:60],
        picture_file("WEBP")[:40],
        b"\xff\xd8\xff\xe0" + b"\x00" * 500,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        png_that_says(4000, 3000),
    ],
    ids=["empty", "text", "svg", "gif", "bmp", "tiff", "cut jpeg", "cut png", "cut webp", "nulls", "eps", "lie"],
)
def test_what_is_no_picture_gets_a_sentence(upload: bytes) -> None:
    with override("en"), pytest.raises(ValidationError, match="not a picture that we can read"):
        pictures.make(upload)


@pytest.mark.django_db
class TestInAPage:
    def test_it_is_shown_with_its_size_and_the_words_of_the_language(self, client: Client) -> None:
        make_practice()
        picture = make_picture()
        make_page("over", body=f"Kijk: {picture.markdown}")
        make_page("over", "en", body=f"Look: {picture.markdown}")

        for path, words in (("/over/", "Een kamer"), ("/en/over/", "A room")):
            size = 'width="300" height="200" loading="lazy"'
            wanted = f'<img src="{picture.get_absolute_url()}" alt="{words}" {size}>'
            assert wanted in client.get(path).content.decode()

    def test_words_in_the_text_take_the_place_of_its_own(self, client: Client) -> None:
        make_practice()
        picture = make_picture()
        make_page("over", body=f"![De zaal]({picture.get_absolute_url()})")

        assert 'alt="De zaal" width="300"' in client.get("/over/").content.decode()

    def test_of_one_that_is_not_there_the_words_stay(self, client: Client) -> None:
        make_practice()
        make_page("over", body=f"![De zaal](/beeld/{'0' * 32}.webp)")

        html = client.get("/over/").content.decode()

        assert "<p>De zaal</p>" in html
        assert "<img" not in html

    def test_it_costs_one_query_the_first_time_alone(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        make_practice()
        make_page("over", body=make_picture().markdown * 3)

        with django_assert_num_queries(4):
            client.get("/over/")
        with django_assert_num_queries(1):
            client.get("/over/")

    @pytest.mark.engines
    def test_other_words_are_shown_at_once(self, client: Client) -> None:
        make_practice()
        make_page("over", body=make_picture().markdown)
        assert 'alt="Een kamer"' in client.get("/over/").content.decode()

        Picture.objects.update(alternative=Translated(nl="Een zaal", en="A hall"))

        assert 'alt="Een zaal"' in client.get("/over/").content.decode()

    def test_it_can_stand_in_the_therapists_own_words(self, client: Client) -> None:
        make_practice(first_consult=Translated(nl=f"Hier: {make_picture().markdown}"))
        make_page("eerste-afspraak")

        assert 'alt="Een kamer" width="300"' in client.get("/eerste-afspraak/").content.decode()

    @pytest.mark.engines
    def test_its_address_may_be_kept_for_ever(self, client: Client) -> None:
        picture = make_picture()

        answer = client.get(picture.get_absolute_url())

        assert answer.content == bytes(picture.content)
        assert answer["Content-Type"] == "image/webp"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert set(answer["Cache-Control"].split(", ")) == {"max-age=31536000", "public", "immutable"}
        assert "sandbox" not in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        assert not answer.cookies

    def test_where_none_is_nothing_is_kept(self, client: Client) -> None:
        make_practice()

        answer = client.get(f"/beeld/{'0' * 32}.webp")

        assert answer.status_code == 404
        assert not answer.has_header("Cache-Control")


@pytest.mark.django_db
class TestTheManagersForm:
    @pytest.fixture
    def bob(self) -> Client:
        make_practice()
        return signed_in(make_account("bob@praktijk.example", manager=True))

    def send(self, browser: Client, content: bytes, **words: str) -> Any:
        file = SimpleUploadedFile("../../evil.php", content, "text/html")
        return browser.post(ADD, {**WORDS, **words, "file": file})

    def test_a_photograph_of_a_phone_is_taken(self, bob: Client) -> None:
        # Noise cannot be made smaller: 3 MB, which forms elsewhere may not send.
        upload = picture_file("PNG", size=(1000, 1000), noise=True)
        assert 2 * 1024 * 1024 < len(upload) < pictures.LARGEST_PICTURE

        assert self.send(bob, upload).status_code == 302

        picture = Picture.objects.get()
        assert (picture.width, picture.height) == (1000, 1000)
        assert picture.alternative == Translated(nl="Een kamer met kussens", en="A room with cushions")
        assert picture.digest == pictures.Made(bytes(picture.content), 0, 0).digest
        assert str(picture.markdown) in bob.get("/en/beheer/practice/picture/").content.decode()

    @pytest.mark.parametrize("language", ["nl", "en"])
    def test_without_words_in_each_language_it_is_not(self, bob: Client, language: str) -> None:
        answer = self.send(bob, picture_file("PNG"), **{f"alternative_{language}": " "})

        assert answer.status_code == 200
        sentence = "Please say in each language what the picture shows."
        assert answer.context["adminform"].form.errors == {"alternative": [sentence]}
        other = {"nl": "A room with cushions", "en": "Een kamer met kussens"}[language]
        assert other in answer.content.decode()
        assert not Picture.objects.exists()

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"no picture", "not a picture that we can read"),
            (b"x" * (pictures.LARGEST_PICTURE + 1), "larger than 8 MB"),
            (b"", "empty"),
        ],
        ids=["text", "large", "empty"],
    )
    def test_what_is_of_no_use_gets_a_sentence_and_the_words_stay(
        self, bob: Client, content: bytes, sentence: str
    ) -> None:
        page = self.send(bob, content).content.decode()

        assert sentence in page
        assert "Een kamer met kussens" in page

    def test_the_same_picture_is_not_taken_twice(self, bob: Client) -> None:
        self.send(bob, picture_file("PNG"))

        assert "This picture is here already." in self.send(bob, picture_file("PNG")).content.decode()

    def test_its_words_can_be_changed_and_the_picture_cannot(self, bob: Client) -> None:
        picture = make_picture()
        before = bytes(picture.content)
        address = f"/en/beheer/practice/picture/{picture.pk}/change/"

        assert 'type="file"' not in bob.get(address).content.decode()
        file = SimpleUploadedFile("a.png", picture_file("PNG", size=(9, 9)))
        assert bob.post(address, {**WORDS, "file": file}).status_code == 400
        bob.post(address, WORDS)

        picture.refresh_from_db()
        assert picture.alternative["en"] == "A room with cushions"
        assert bytes(picture.content) == before

    def test_one_that_a_page_shows_stays(self, bob: Client) -> None:
        picture = make_picture()
        page = make_page("over", title="Over ons", body=picture.markdown)
        address = f"/en/beheer/practice/picture/{picture.pk}/delete/"

        assert "Over ons" in bob.get(address).content.decode()
        bob.post(address, {"post": "yes"})
        assert Picture.objects.exists()

        page.delete()
        Practice.objects.update(first_consult=Translated(nl=picture.markdown))
        bob.post(address, {"post": "yes"})
        assert Picture.objects.exists()

        Practice.objects.update(first_consult=Translated(nl="x"))
        bob.post(address, {"post": "yes"})
        assert not Picture.objects.exists()

    def test_of_anybody_else_nothing_is_read(self, rf: Any) -> None:
        make_practice()
        file = SimpleUploadedFile("a.png", b"x" * 1024)
        therapist = signed_in(make_account("alice@praktijk.example"))

        for browser in (Client(), therapist):
            answer = browser.post(ADD, {"file": file})
            assert answer.status_code == 302
            assert not answer.wsgi_request.FILES
            file.seek(0)
