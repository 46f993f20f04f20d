/* Tools → Paywall: move over. Asks for one part after the other, and lists what became of it. */
( function () {
	const config = window.paywallMigration;
	const buttons = [ ...document.querySelectorAll( '[data-paywall-run]' ) ];
	const progress = document.querySelector( '#paywall-migration-state progress' );
	const output = document.querySelector( '#paywall-migration-state output' );
	const error = document.getElementById( 'paywall-migration-error' );
	const table = document.getElementById( 'paywall-migration-rows' );
	const download = document.getElementById( 'paywall-migration-csv' );
	// More rows would make the page slow; the CSV has all of them.
	const SHOWN_MAX = 1000;
	let rows = [];
	let toDoShown = 0;

	if ( ! config || ! table ) {
		return;
	}

	function add( row ) {
		rows.push( row );
		if ( ! row.is_to_do && table.rows.length >= SHOWN_MAX ) {
			return;
		}
		const line = table.insertRow( row.is_to_do ? toDoShown++ : -1 );
		for ( const text of [ row.is_to_do ? config.toDo : '', ...row.cells ] ) {
			const cell = line.insertCell();
			cell.textContent = text;
			cell.style.whiteSpace = 'pre-line';
		}
		if ( table.rows.length > SHOWN_MAX ) {
			table.deleteRow( -1 );
		}
	}

	function show( state ) {
		progress.max = Math.max( 1, state.total );
		progress.value = state.done;
		output.textContent = `${ state.done } / ${ state.total }`;
	}

	async function ask( kind ) {
		const body = new URLSearchParams( { action: 'paywall_migrate', _ajax_nonce: config.nonce, kind } );
		const answer = await fetch( window.ajaxurl, { method: 'POST', body, credentials: 'same-origin' } );
		return ( await answer.json() ).data;
	}

	async function run( kind ) {
		rows = [];
		toDoShown = 0;
		table.replaceChildren();
		error.textContent = '';
		for (;;) {
			const part = await ask( kind );
			show( part.state );
			[ ...part.posts, ...part.readers ].forEach( add );
			download.disabled = rows.length === 0;
			if ( part.error ) {
				error.textContent = part.error;
				return;
			}
			if ( part.state.phase === 'done' ) {
				output.textContent = `${ config.done } ${ part.state.total }`;
				return;
			}
		}
	}

	for ( const button of buttons ) {
		button.addEventListener( 'click', async () => {
			const wasDisabled = buttons.map( ( one ) => one.disabled );
			buttons.forEach( ( one ) => ( one.disabled = true ) );
			try {
				await run( button.dataset.paywallRun );
			} catch {
				error.textContent = config.failed;
			}
			buttons.forEach( ( one, n ) => ( one.disabled = wasDisabled[ n ] ) );
			if ( button === buttons[ 0 ] && ! error.textContent ) {
				buttons[ 1 ].disabled = false;
			}
		} );
	}

	function quoted( text ) {
		// A spreadsheet would take a value that begins like this for a formula.
		const safe = /^[=+\-@\t\r]/.test( text ) ? `'${ text }` : text;
		return `"${ safe.replaceAll( '"', '""' ) }"`;
	}

	download.addEventListener( 'click', () => {
		const ordered = [ ...rows.filter( ( row ) => row.is_to_do ), ...rows.filter( ( row ) => ! row.is_to_do ) ];
		const lines = [ config.columns, ...ordered.map( ( row ) => [ row.is_to_do ? config.toDo : '', ...row.cells ] ) ];
		const csv = lines.map( ( cells ) => cells.map( quoted ).join( ',' ) ).join( '\r\n' ) + '\r\n';
		const link = document.createElement( 'a' );
		link.href = URL.createObjectURL( new Blob( [ '\ufeff', csv ], { type: 'text/csv' } ) );
		link.download = 'paywall-readers.csv';
		link.click();
		URL.revokeObjectURL( link.href );
	} );
} )();
