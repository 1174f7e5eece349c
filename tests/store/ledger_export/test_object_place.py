"""The URL of a folder in an object store, as `ledger_to` writes it."""

import pytest

from penstock.store.ledger_export.object_place import ObjectUrlError, place_of


@pytest.mark.parametrize(
    ("url", "store", "root", "login", "host", "port"),
    [
        ("s3://bucket", "s3", "bucket", ("", ""), "s3.amazonaws.com", 443),
        ("S3://AK:s%2Fe%2Bc@bucket/a/b%20c/", "s3", "bucket/a/b c", ("AK", "s/e+c"), "s3.amazonaws.com", 443),
        ("s3://bucket/a//b?region=eu-west-1", "s3", "bucket/a/b", ("", ""), "s3.eu-west-1.amazonaws.com", 443),
        ("s3://bucket/?endpoint=minio:9000&scheme=http", "s3", "bucket", ("", ""), "minio", 9000),
        ("s3://bucket/?endpoint=minio&scheme=http", "s3", "bucket", ("", ""), "minio", 80),
        ("s3://bucket/?endpoint=[::1]:9000", "s3", "bucket", ("", ""), "::1", 9000),
        ("s3://bucket/?endpoint=[::1]", "s3", "bucket", ("", ""), "::1", 443),
        ("gs://bucket/a", "gs", "bucket/a", ("", ""), "storage.googleapis.com", 443),
        ("az://acme:a2V5@data/a", "az", "data/a", ("acme", "a2V5"), "acme.blob.core.windows.net", 443),
    ],
)
def test_a_url_names_a_store_a_folder_and_a_login(url, store, root, login, host, port):
    place = place_of(url)
    assert (place.store, place.root, (place.user, place.secret)) == (store, root, login)
    assert (place.host, place.port) == (host, port)


def test_a_secret_is_not_in_the_text_of_a_place():
    place = place_of("s3://AK:do_not_show@bucket/?session_token=nor_this")
    assert (place.secret, place.session_token) == ("do_not_show", "nor_this")
    assert "do_not_show" not in repr(place)
    assert "nor_this" not in repr(place)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://bucket", "no object store"),
        ("s3://", "names no bucket"),
        ("s3://a:b@", "names no bucket"),
        ("s3://buck:et/", "names no bucket"),
        ("s3://evil.example%2F@bucket/", "id and its secret"),
        ("gs://me@bucket/", "takes no key"),
        ("az://bucket/", "no storage account"),
        ("az://evil.example:x@bucket/", "no storage account"),
        ("s3://bucket/?acl=public", "no option 'acl'"),
        ("gs://bucket/?region=eu", "no option 'region'"),
        ("s3://bucket/?region=evil.example/", "`region` has no valid value"),
        ("s3://bucket/?endpoint=https://minio", "`endpoint` has no valid value"),
        ("s3://bucket/?scheme=ftp", "`scheme` has no valid value"),
        ("s3://bucket/?region", "no URL of an object store"),
        ("s3://[bucket/", "no URL of an object store"),
        ("s3://bucket/a/../b", "folder in the bucket is not valid"),
        ("s3://bucket/a#b", "folder in the bucket is not valid"),
    ],
)
def test_a_url_that_names_no_place_is_refused(url, message):
    with pytest.raises(ObjectUrlError, match=message) as caught:
        place_of(url)
    assert caught.value.hint
