"""PHP is killed in the middle of saving: every post is what was saved before or what was sent."""

import random
import signal
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.sites.wordpress.canary import CANARY, rows_with_canary
from tests.sites.wordpress.site import PHP, WordPress

ROUNDS = 20
SAVES_MAX = 6
# Saves one post again and again, with text after text, and writes new ones in between.
SAVE = r"""
require 'wp-load.php';
wp_set_current_user( 1 );
$terms = array( 'post_category' => array( (int) $argv[2] ) );
for ( $number = 0; true; $number++ ) {
    $text = "<p>Rice.</p><!--more--><p>WORD $argv[3] $number \\ \\$1 អង្ករ</p>";
    $long = array( 'ID' => (int) $argv[1], 'post_content' => $text . str_repeat( ' of old', 500 ) );
    wp_update_post( wp_slash( $long + $terms ) );
    if ( 1 === $number % 3 ) {
        $new = array( 'post_title' => 'New', 'post_status' => 'publish', 'post_content' => $text );
        wp_insert_post( wp_slash( $new + $terms ) );
    }
    echo "saved\n";
}
""".replace("WORD", CANARY)
ALL = r"""
global $wpdb;
$ids   = $wpdb->get_col( "SELECT ID FROM wp_posts WHERE post_content LIKE '%Rice.%'" );
$sound = '~^<p>Rice.</p><!--more--><p>\w+ \d+ \d+ \\\\ \\\\\$1 អង្ករ</p>(?:(?: of old){500})?$~D';
foreach ( array_map( 'get_post', $ids ) as $post ) {
    if ( ! preg_match( $sound, Paywall\Vault\whole( $post ) ) ) {
        echo $post->ID, ': ', substr( Paywall\Vault\whole( $post ), 0, 200 ), "\n";
    }
}
echo count( $ids );
"""


@pytest.fixture(scope="module")
def wordpress(new_wordpress: Callable[[], WordPress]) -> WordPress:
    made = new_wordpress()
    made.activate()
    return made


@pytest.fixture
def writers(wordpress: WordPress) -> Iterator[Callable[[int], "subprocess.Popen[str]"]]:
    """Starts a writer of the post, as one round's editor; none outlives the test."""
    started: list[subprocess.Popen[str]] = []
    prepared = wordpress.php(
        "$term = wp_insert_term( 'Paid', 'category' )['term_id'];"
        "update_term_meta( $term, 'paywall_policy', 'premium' );"
        "$post = wp_insert_post( array( 'post_title' => 'One', 'post_category' => array( $term ),"
        " 'post_content' => '<p>Rice</p>' ) ); echo \"$post $term\";"
    )

    def start(number: int) -> "subprocess.Popen[str]":
        words = [*PHP, "-r", SAVE, "--", *prepared.split(), str(number)]
        process = subprocess.Popen(words, cwd=wordpress.folder, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def test_killed_saves_leave_whole_texts_and_no_gap(
    wordpress: WordPress, writers: Callable[[int], "subprocess.Popen[str]"]
) -> None:
    chance = random.Random(16)
    for number in range(ROUNDS):
        two = [writers(2 * number), writers(2 * number + 1)]
        for process in two:
            assert process.stdout is not None
            for _ in range(chance.randint(1, SAVES_MAX)):
                assert process.stdout.readline() == "saved\n"
        # Wherever they are by now.
        for process in two:
            process.send_signal(signal.SIGKILL)
            process.wait(60)
        assert rows_with_canary(wordpress) == []
    wordpress.php("do_action( 'paywall_sweep' );")
    count = wordpress.php(ALL)
    assert count.isdecimal(), count
    assert int(count) > ROUNDS
    assert wordpress.php("echo count( Paywall\\Vault\\Alarms\\all() );") == "0"
