/* The settings page: test the connection, and show how far a move is. */
( function () {
	const button = document.getElementById( 'paywall-test' );
	const results = document.getElementById( 'paywall-test-results' );

	function show( isOk, text ) {
		const item = document.createElement( 'li' );
		item.textContent = `${ isOk ? '✓' : '✗' } ${ text }`;
		results.append( item );
	}

	async function ask( action, nonce ) {
		const body = new URLSearchParams( { action, _ajax_nonce: nonce } );
		const answer = await fetch( window.ajaxurl, { method: 'POST', body, credentials: 'same-origin' } );
		return ( await answer.json() ).data;
	}

	async function reachFromBrowser() {
		try {
			const answer = await fetch( `${ button.dataset.publicUrl }/v1/parts`, { mode: 'cors', cache: 'no-store' } );
			return answer.ok;
		} catch {
			return false;
		}
	}

	button?.addEventListener( 'click', async () => {
		button.disabled = true;
		results.replaceChildren();
		try {
			for ( const found of await ask( 'paywall_test_connection', button.dataset.nonce ) ) {
				show( found.is_ok, found.text );
			}
			if ( button.dataset.publicUrl ) {
				const isOk = await reachFromBrowser();
				show( isOk, isOk ? button.dataset.reached : button.dataset.failed );
			}
		} catch {
			show( false, button.dataset.noAnswer );
		}
		button.disabled = false;
	} );

	const progress = document.getElementById( 'paywall-move' );

	async function follow() {
		const state = await ask( 'paywall_move_step', progress.dataset.nonce );
		if ( ! state ) {
			location.reload();
			return;
		}
		progress.querySelector( 'progress' ).value = state.done;
		progress.querySelector( 'output' ).textContent = `${ state.done } / ${ state.total }`;
		follow();
	}

	if ( progress ) {
		follow().catch( () => setTimeout( () => location.reload(), 5000 ) );
	}
} )();
