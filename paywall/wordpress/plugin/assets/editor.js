/* The panel of the block editor: who may read a post, its price and its preview. */
( function ( wp, words ) {
	const { createElement, Fragment } = wp.element;
	const { SelectControl, TextControl, TextareaControl } = wp.components;
	const { useSelect } = wp.data;
	const { useEntityProp } = wp.coreData;

	const policies = Object.entries( words.policies ).map( ( [ value, label ] ) => ( { value, label } ) );

	/** The number as it is shown: nothing where the post has none of its own. */
	const shown = ( number, min ) => ( Number.isInteger( number ) && number >= min ? String( number ) : '' );

	/** The number as it is saved. */
	const saved = ( text, min ) => ( /^\d{1,7}$/.test( text ) && Number( text ) >= min ? Number( text ) : -1 );

	function Panel() {
		const type = useSelect( ( select ) => select( 'core/editor' ).getCurrentPostType(), [] );
		const [ meta, setMeta ] = useEntityProp( 'postType', type, 'meta' );
		if ( ! meta || ! ( '_paywall_policy' in meta ) ) {
			return null;
		}
		const set = ( key, value ) => setMeta( { ...meta, [ key ]: value } );
		const number = ( key, min, label, help ) =>
			createElement( TextControl, {
				type: 'number', min, label, help,
				value: shown( meta[ key ], min ),
				onChange: ( text ) => set( key, saved( text, min ) ),
			} );
		return createElement(
			wp.editPost.PluginDocumentSettingPanel,
			{ name: 'paywall', title: words.title },
			createElement( Fragment, {},
				createElement( SelectControl, {
					label: words.policy,
					value: meta._paywall_policy,
					options: [ { value: '', label: words.inherited }, ...policies ],
					onChange: ( value ) => set( '_paywall_policy', value ),
				} ),
				number( '_paywall_cost', 1, words.cost, words.costHelp ),
				number( '_paywall_preview_paragraphs', 0, words.paragraphs, words.paragraphHelp ),
				createElement( TextareaControl, {
					label: words.html,
					help: words.htmlHelp,
					value: meta._paywall_preview_html,
					onChange: ( value ) => set( '_paywall_preview_html', value ),
				} ),
			),
		);
	}

	wp.plugins.registerPlugin( 'paywall', { render: Panel } );
} )( window.wp, window.paywallEditor );
