/* The account's block in the editor: a placeholder, because only readers have an account. */
( function ( blocks, element, blockEditor, words ) {
	blocks.registerBlockType( 'paywall/account', {
		edit() {
			return element.createElement( 'div', blockEditor.useBlockProps( { className: 'components-placeholder' } ), words.placeholder );
		},
		save() {
			return null;
		},
	} );
} )( window.wp.blocks, window.wp.element, window.wp.blockEditor, window.paywallAccount );
