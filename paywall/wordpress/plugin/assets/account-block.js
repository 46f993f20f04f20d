/* The account's block in the editor: a placeholder, because only readers have an account. */
( function ( blocks, element, blockEditor, i18n ) {
	blocks.registerBlockType( 'paywall/account', {
		edit() {
			const text = i18n.__( 'Each reader sees their own credits, subscription and payments here.', 'paywall' );
			return element.createElement( 'div', blockEditor.useBlockProps( { className: 'components-placeholder' } ), text );
		},
		save() {
			return null;
		},
	} );
} )( window.wp.blocks, window.wp.element, window.wp.blockEditor, window.wp.i18n );
