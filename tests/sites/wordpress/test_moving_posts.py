"""All posts of a site move into the vault and out of it, killed midway or not, byte for byte."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.site import PHP, WordPress

POSTS = int(os.environ.get("PAYWALL_TEST_MOVED_POSTS", "10000"))
REVISIONS = POSTS // 5
STUBS = "select count(*) from wp_posts where post_content like '%<!--paywall:rest %'"
# Blocks with and without the author's marker, classic text, a container, and one long paragraph;
# eight kilobytes each. What comes first is for everybody.
BLOCK_OPEN, BLOCK_CLOSE = "<!-- wp:paragraph -->\\n<p>", "</p>\\n<!-- /wp:paragraph -->\\n\\n"
FILL = f"""
delete from wp_posts;
set @paid = concat('The {CANARY} \\\\ of $1 rice “fell”, តម្លៃអង្ករ ធ្លាក់ចុះ។ ',
  repeat('of old ', 9));
set @free = 'Rice grows in water, and everybody may read this.';
insert into wp_posts (ID, post_author, post_date, post_date_gmt, post_modified, post_modified_gmt,
  post_title, post_excerpt, post_status, post_name, post_type, post_parent, to_ping, pinged,
  post_content_filtered, post_content)
select 100 + seq, 1, @then := '2026-01-01' + interval seq minute, @then, @then, @then,
  concat('Post ', seq), '', if(seq > {POSTS}, 'inherit', 'publish'),
  if(seq > {POSTS}, concat(100 + seq - {POSTS}, '-revision-v1'), concat('post-', seq)),
  if(seq > {POSTS}, 'revision', 'post'), if(seq > {POSTS}, 100 + seq - {POSTS}, 0), '', '', '',
  case seq % 5
    when 0 then concat('{BLOCK_OPEN}', @free, '{BLOCK_CLOSE}',
      '<!-- wp:more -->\\n<!--more-->\\n<!-- /wp:more -->\\n\\n',
      repeat(concat('{BLOCK_OPEN}', @paid, seq, '{BLOCK_CLOSE}'), 30))
    when 1 then concat('<p>', @free, '</p><p>', @free, '</p>',
      repeat(concat('<p>', @paid, seq, '</p>\\n'), 36))
    when 2 then concat(@free, '\\r\\n\\r\\n', @free, '\\r\\n\\r\\n',
      repeat(concat(@paid, seq, '\\r\\n\\r\\n'), 40))
    when 3 then concat('<!-- wp:group --><div><p>', @free, '</p><p>', @free, '</p>',
      repeat(concat('<p>', @paid, seq, '</p>\\n'), 36), '</div><!-- /wp:group -->')
    else concat('<p>', @free, '</p><!--more--><p>', repeat(concat(@paid, seq), 40))
  end
from seq_1_to_{POSTS + REVISIONS};
"""
MOVE_IN = (
    "if ( null === Paywall\\Vault\\Moving\\state() ) { Paywall\\Vault\\Moving\\start( 'in' ); }"
    "Paywall\\Vault\\Moving\\run( 600 );"
)
MOVE_OUT = "Paywall\\Vault\\Switching\\empty_vault();"


@pytest.fixture(scope="module")
def filled(new_wordpress: Callable[[], WordPress]) -> WordPress:
    """Many posts, written before the plug-in came, all of them to be gated."""
    wordpress = new_wordpress()
    wordpress.sql(FILL)
    wordpress.php("update_option( 'paywall_settings', array( 'default_policy' => 'premium' ) );")
    wordpress.php("update_option( 'active_plugins', array( 'paywall/paywall.php' ) );", loaded=True)
    wordpress.php("Paywall\\Vault\\Switching\\prepare();")
    return wordpress


def sums(wordpress: WordPress) -> list[list[str]]:
    return wordpress.sql(
        "select ID, length(post_content), md5(post_content) from wp_posts order by ID"
    )


def stubs(wordpress: WordPress) -> int:
    return int(wordpress.sql(STUBS)[0][0])


def killed_midway(wordpress: WordPress, code: str, is_midway: Callable[[int], bool]) -> None:
    """Run PHP, and kill it when this holds for the number of stubs."""
    process = subprocess.Popen([*PHP, "-r", f"require 'wp-load.php';{code}"], cwd=wordpress.folder)
    while not is_midway(stubs(wordpress)):
        assert process.poll() is None, "It was faster than the test."
    process.send_signal(signal.SIGKILL)
    process.wait(60)


def test_posts_move_in_and_out_though_killed_midway(filled: WordPress) -> None:
    before = sums(filled)
    everything = POSTS + REVISIONS
    killed_midway(filled, MOVE_IN, lambda count: count > 0)
    assert 0 < stubs(filled) < everything
    started = time.monotonic()
    filled.php(MOVE_IN)
    seconds_in = time.monotonic() - started
    assert rows_with_canary(filled) == []
    assert stubs(filled) == everything
    killed_midway(filled, MOVE_OUT, lambda count: count < everything)
    assert 0 < stubs(filled) < everything
    started = time.monotonic()
    filled.deactivate()
    seconds_out = time.monotonic() - started
    assert sums(filled) == before
    print(  # noqa: T201 (figures for who runs it)
        f"{POSTS} posts with {REVISIONS} revisions, from where a killed move was:"
        f" in {seconds_in:.0f} s, out {seconds_out:.0f} s"
    )
